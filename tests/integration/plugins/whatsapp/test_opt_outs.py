"""Who wants no advertising: by line, a store's own, whoever said it."""

from uuid import uuid4

from pideai_whatsapp.sending.opt_outs import is_opted_out, list_opt_outs, opt_in, opt_out, opted_out
from pideai_whatsapp.text.phones import Phone

ANA = Phone("+584141234567")
EVA = Phone("+584249876543")


async def test_a_customer_who_opts_out_is_known_until_they_come_back(context):
    store = (context.db, context.store_id)

    assert await is_opted_out(*store, ANA) is False
    assert await opt_out(*store, ANA, by="customer") is True
    assert await is_opted_out(*store, ANA) is True
    assert await opt_in(*store, ANA) is True
    assert await is_opted_out(*store, ANA) is False


async def test_saying_it_again_is_no_news_and_keeps_who_said_it_first(context):
    store = (context.db, context.store_id)
    await opt_out(*store, ANA, by="customer")

    assert await opt_out(*store, ANA, by="owner") is False
    assert [(one.phone, one.by) for one in await list_opt_outs(*store)] == [(ANA, "customer")]


async def test_another_spelling_of_the_number_is_no_way_around_it(context):
    await opt_out(context.db, context.store_id, Phone("+553187654321"), by="customer")

    assert await is_opted_out(context.db, context.store_id, Phone("+5531987654321"))


async def test_it_holds_for_its_own_store_alone(context):
    await opt_out(context.db, context.store_id, ANA, by="customer")

    assert not await is_opted_out(context.db, uuid4(), ANA)


async def test_many_are_asked_for_at_once(context):
    await opt_out(context.db, context.store_id, EVA, by="owner")

    assert await opted_out(context.db, context.store_id, (ANA, EVA)) == {EVA}
    assert await opted_out(context.db, context.store_id, ()) == frozenset()


async def test_pages_meet_everybody_once(context):
    phones = [Phone(f"+5841412345{n:02}") for n in range(7)]
    for phone in phones:
        await opt_out(context.db, context.store_id, phone, by="customer")

    seen, last = [], None
    while page := await list_opt_outs(context.db, context.store_id, limit=3, after=last):
        seen += [one.phone for one in page]
        last = page[-1]

    assert seen == phones[::-1]
