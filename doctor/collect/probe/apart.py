"""Many small questions to paths of the user: one dead mount costs one answer."""

import wire


def ask(questions, read, seconds):
    """``({key: answer}, {key: why not})`` of ``read(key)`` for each key, together in at most ``seconds``."""
    answers, errors, done = {}, {}, set()

    def call(key):
        try:
            answers[key] = read(key)
        except Exception as error:  # whatever it is, it is this key's answer
            errors[key] = wire.reason(error)
        finally:
            done.add(key)

    turns = wire.Turns([lambda key=key: call(key) for key in questions])
    turns.start()
    turns.wait(seconds)
    for key in set(questions) - set(done):
        errors[key] = "no answer in %.1f s: a dead mount?" % seconds
    return dict(answers), dict(errors)
