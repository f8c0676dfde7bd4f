"""A pool of processes that all follow one setting: the client survives the fork, and each child follows by itself."""

import multiprocessing

from setpoint import ConfigClient

config = ConfigClient("mailer", "staging", ["mailer"])
batch_size = config.setting("mailer", "batch_size", default=10, ge=1)


def send(mails: range) -> int:
    """Send mails in batches of the present size; return how many batches that took."""
    return -(-len(mails) // batch_size.value)


def main() -> None:
    """Send a thousand mails from each of two processes."""
    with config, multiprocessing.get_context("fork").Pool(2) as pool:
        print(*pool.map(send, [range(1000), range(1000)]))


if __name__ == "__main__":
    main()
