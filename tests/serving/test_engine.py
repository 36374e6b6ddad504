"""The queue in front of a translator."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.gated_translator import GatedTranslator

from keras_seq2seq.serving.engine import Engine, QueueFullError


def run(work, **options):
    """Runs a coroutine function with an engine and its translator."""

    async def run_and_close():
        translator = GatedTranslator()
        executor = ThreadPoolExecutor(2)
        options_of_all = {"threads": 1, "batch_size": 8, "max_queue": 8}
        engine = Engine(translator, executor, **options_of_all | options)
        engine.start()
        try:
            return await asyncio.wait_for(work(engine, translator), 30)
        finally:
            translator.gate.set()
            await engine.close()
            executor.shutdown()

    return asyncio.run(run_and_close())


async def occupy(engine, translator):
    """Makes the only thread busy until the gate is opened."""
    translator.gate.clear()
    task = asyncio.create_task(engine.translate(["first"]))
    while not translator.batches:
        await asyncio.sleep(0.001)
    return task


def texts_of(translations):
    return [translation.text for translation in translations]


def test_translates_in_order():
    async def work(engine, translator):
        return texts_of(await engine.translate(["a", "b", "c"]))

    assert run(work) == ["A", "B", "C"]


def test_a_batch_consists_of_what_has_queued_in_the_meantime():
    async def work(engine, translator):
        first = await occupy(engine, translator)
        others = [asyncio.create_task(engine.translate([text])) for text in "abcde"]
        await asyncio.sleep(0)
        assert engine.queue_length == 5
        translator.gate.set()
        await asyncio.gather(first, *others)
        return translator.batches

    assert run(work, batch_size=4) == [["first"], ["a", "b", "c", "d"], ["e"]]


def test_threads_share_what_waits():
    async def work(engine, translator):
        translator.gate.clear()
        task = asyncio.create_task(engine.translate(list("abcdef")))
        while len(translator.batches) < 2:
            await asyncio.sleep(0.001)
        translator.gate.set()
        assert texts_of(await task) == list("ABCDEF")
        return sorted(translator.batches[:2])

    assert run(work, threads=2) == [["a", "b", "c"], ["d", "e"]]


def test_texts_of_canceled_requests_leave_the_queue_at_once():
    async def work(engine, translator):
        first = await occupy(engine, translator)
        for _ in range(20):
            waiting = asyncio.create_task(engine.translate(list("abc")))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert (engine.queue_length, len(engine._queue)) == (0, 0)
        translator.gate.set()
        await first

    run(work)


def test_a_full_queue_rejects_all_texts_of_a_request():
    async def work(engine, translator):
        first = await occupy(engine, translator)
        waiting = asyncio.create_task(engine.translate(list("abcdef")))
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError):
            await engine.translate(list("xyz"))
        assert engine.queue_length == 6
        last = asyncio.create_task(engine.translate(list("gh")))
        translator.gate.set()
        assert texts_of(await waiting + await last) == list("ABCDEFGH")
        await first

    run(work)


def test_cancelled_texts_are_skipped_and_leave_the_queue():
    async def work(engine, translator):
        first = await occupy(engine, translator)
        cancelled = asyncio.create_task(engine.translate(list("abcdefgh")))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        assert engine.queue_length == 0
        later = asyncio.create_task(engine.translate(list("ijklmnop")))
        await asyncio.sleep(0)
        translator.gate.set()
        await asyncio.gather(first, later)
        return translator.batches

    assert run(work) == [["first"], list("ijklmnop")]


def test_a_text_that_fails_does_not_affect_its_batch():
    async def work(engine, translator):
        first = await occupy(engine, translator)
        tasks = [asyncio.create_task(engine.translate([text])) for text in ("a", "fail", "b")]
        await asyncio.sleep(0)
        translator.gate.set()
        await first
        return await asyncio.gather(*tasks, return_exceptions=True)

    good, failed, other = run(work)
    assert texts_of(good + other) == ["A", "B"]
    assert str(failed) == "it fails"


def test_close_translates_what_waits():
    async def work(engine, translator):
        first = await occupy(engine, translator)
        waiting = asyncio.create_task(engine.translate(["a"]))
        await asyncio.sleep(0)
        closing = asyncio.create_task(engine.close())
        await asyncio.sleep(0.01)
        translator.gate.set()
        await asyncio.gather(closing, first)
        return texts_of(await waiting)

    assert run(work) == ["A"]
