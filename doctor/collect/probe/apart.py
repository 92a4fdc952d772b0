"""Many small questions to paths of the user, each in a thread of its own: one dead mount costs one answer."""

import threading
import time

import wire


def ask(questions, read, seconds):
    """``({key: answer}, {key: why not})`` of ``read(key)`` for each key, together in at most ``seconds``."""
    answers, errors, waiting = {}, {}, []

    def work(key, done):
        try:
            answers[key] = read(key)
        except Exception as error:  # whatever it is, it is this key's answer
            errors[key] = wire.reason(error)
        finally:
            done.set()

    end = time.monotonic() + seconds
    for key in questions:
        done = threading.Event()
        thread = threading.Thread(target=work, args=(key, done))
        thread.daemon = True
        thread.start()
        waiting.append((key, done))
    for key, done in waiting:
        if not done.wait(max(0.0, end - time.monotonic())):
            errors[key] = "no answer in %.1f s: a dead mount?" % seconds
    return dict(answers), dict(errors)
