@rem Starts vlmdoctor isolated from PYTHONPATH and PYTHONHOME, which belong to the patient.
@if exist "%~dp0python.exe" "%~dp0python.exe" -I -m doctor %*
@if not exist "%~dp0python.exe" "%~dp0vlmdoctor-python.exe" %*
