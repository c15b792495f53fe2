"""A provider may report of a message before its sender has heard the message's id: such a report comes again."""

import pytest
from pideai_whatsapp.channel.receipts import take_receipts
from pideai_whatsapp.providers.signals import Progress, Receipt
from pideai_whatsapp.sending.facts import SendState


@pytest.fixture
async def claimed(records, draft):
    made = draft()
    await records.claim(made, credit_type="monthly", provider="evolution", delivery_id=None)
    return made


def receipt(message_id="3EB0AA", progress=Progress.DELIVERED):
    return Receipt(provider_message_id=message_id, progress=progress)


async def status_of(pool, message):
    async with pool.connection() as connection:
        cursor = await connection.execute("select status from public.whatsapp_messages where id = %s", (message.id,))
        return (await cursor.fetchone())[0]


async def test_a_report_of_what_is_being_sent_comes_again(context, claimed):
    taken = await take_receipts(context, [receipt()])

    assert (taken.may_be_early, taken.moved) == (True, 0)


async def test_and_is_taken_once_the_sender_knows_the_id(context, records, claimed, pool):
    await take_receipts(context, [receipt()])
    await records.settle(claimed.id, SendState.ACCEPTED, provider_message_id="3EB0AA")

    taken = await take_receipts(context, [receipt()])

    assert (taken.may_be_early, taken.moved, await status_of(pool, claimed)) == (False, 1, "delivered")


async def test_a_report_of_a_message_that_was_typed_on_the_phone_is_only_counted(context):
    taken = await take_receipts(context, [receipt()])

    assert (taken.may_be_early, taken.unknown) == (False, 1)


async def test_a_sender_that_never_said_what_became_of_it_holds_nothing_up_for_long(context, claimed):
    await context.db.execute("update pideai_whatsapp.sends set claimed_at = claimed_at - interval '1 minute'")

    taken = await take_receipts(context, [receipt()])

    assert not taken.may_be_early


async def test_a_report_with_something_that_is_known_is_taken_at_once(context, records, claimed, draft):
    other = draft()
    await records.claim(other, credit_type="monthly", provider="evolution", delivery_id=None)
    await records.settle(other.id, SendState.ACCEPTED, provider_message_id="3EB0BB")

    taken = await take_receipts(context, [receipt(), receipt("3EB0BB")])

    assert (taken.may_be_early, taken.moved, taken.unknown) == (False, 1, 1)
