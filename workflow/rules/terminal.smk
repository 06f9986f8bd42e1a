# what a person reads while a sweep runs, and its last line
import atexit
import functools
import glob
import logging
import threading
import time

from snakemake_interface_logger_plugins.common import LogEvent


# many jobs find the same out, each in its log: said here once, while they run
def hear_from_jobs():
    def notes():
        return set(glob.glob(f"{glob.escape(settings[NOTED])}.*"))

    def forget():
        for note in notes():
            os.unlink(note)

    def listen():
        said = set()
        while True:
            for note in sorted(notes() - said):
                with open(note, encoding="utf-8") as file:
                    sentence = file.read()
                if sentence:
                    logger.warning(sentence)
                    said.add(note)
            time.sleep(1)

    forget()  # those of a process of this number that was killed
    atexit.register(forget)
    threading.Thread(target=listen, daemon=True).start()


# the last line, after all that Snakemake has to say, of a sweep that wrote the report or found it there
@functools.cache
def say_where_the_report_is():
    targets = workflow.dag_settings.targets
    if not targets or {"all", "report", paths.REPORT} & {*targets}:
        atexit.register(
            print, f"The report: {os.path.abspath(paths.REPORT)}", file=sys.stderr
        )


def last_line(log):
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file if line.strip()][-1]
    except (OSError, IndexError):
        return "its log is empty"


# a job that fails is told by the last line of its log, once, and not by a command of many lines
class Sentences(logging.Filter):
    def __init__(self):
        super().__init__()
        self.said = set()

    def filter(self, record):
        event, message = getattr(record, "event", None), record.getMessage()
        if event == LogEvent.ERROR and "CalledProcessError" in message:
            return False
        if event == LogEvent.JOB_INFO and workflow.logger_manager.plugin_handlers:
            record.log = (
                []
            )  # the whole of it would be shown where the job fails, at every attempt
        if event == LogEvent.JOB_ERROR:
            for log in record.log:
                sentence = f"{record.rule_name} failed: {last_line(log)} ({log})"
                if sentence not in self.said:
                    self.said.add(sentence)
                    logger.error(sentence)
        if message.startswith("Nothing to be done") and not workflow.dryrun:
            say_where_the_report_is()
        return True


sentences = Sentences()
for handler in logger.handlers:  # the file of Snakemake's own log is none of them yet
    handler.filters.insert(
        0, sentences
    )  # profiles/default is quiet about rules, and so that they fail
