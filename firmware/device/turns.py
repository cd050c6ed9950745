# One push beside the application's own tasks: client.accept in pieces, with turns for all in between.
#
# Contract: as client.accept; a task that is cancelled meanwhile still brings its push to the end, as
# it came whole. The spool must stay as it is up to then: hold its lock. What a piece may cost is
# in docs/porting.md.
import asyncio
import gc


async def accept(client, push):
    """Apply a push, or refuse it; gives the Outcome."""
    outcome = None
    steps = client.steps(push)  # under way from here on
    try:
        gc.collect()  # so what a push needs lies close together, and leaves the rest of the heap in one piece
        await asyncio.sleep(0)
        for piece in steps:
            outcome = piece
            if piece is None:
                await asyncio.sleep(0)
    finally:
        client.finish()
    return outcome
