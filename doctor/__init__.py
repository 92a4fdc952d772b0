"""vlmdoctor: an environment doctor for vision-language models. Importing this package stays free."""

__version__ = "0.1.0"
