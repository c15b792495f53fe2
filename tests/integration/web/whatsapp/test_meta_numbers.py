"""A number of Meta's is the store's that Meta lets use it: another that writes its id hears nothing and bars nobody."""

import pytest

from whatsapp_fakes import meta as fake_meta
from whatsapp_fakes.meta import FakeMeta

NUMBER = fake_meta.NUMBER_ID
CUSTOMER = "584169990000"
REFUSED = "El número pertenece a otra tienda."


@pytest.fixture
async def meta(operator):
    async with FakeMeta() as fake:
        fake.tokens["555000222"] = "another-good-token"
        operator["PIDEAI_PLUGIN_WHATSAPP_META_API_URL"] = fake.url
        operator["PIDEAI_PLUGIN_WHATSAPP_META_APP_SECRET"] = fake_meta.APP_SECRET
        yield fake


class Shop:
    """A store at the panel."""

    def __init__(self, host, panel, store_id):
        self.host, self.panel, self.store_id = host, panel, store_id

    async def ask(self, method, path, **more):
        return await self.host.ask(method, path, user_id=self.panel.owner_id, store_id=self.store_id, **more)

    async def choose(self, token, *, number=NUMBER, provider="meta"):
        config = {"provider": provider}
        if number is not None:
            config["meta"] = {"phoneNumberId": number, "accessToken": token}
        return await self.ask("PUT", "/plugins/whatsapp", json={"config": config}, headers={"if-match": "*"})

    async def opted_out(self):
        return [one["phone"] for one in (await self.ask("GET", "/whatsapp/opt-outs")).json()["items"]]


@pytest.fixture
def mine(host, panel, meta):
    return Shop(host, panel, panel.store_id)


@pytest.fixture
async def theirs(host, panel, meta):
    store_id = await host.new_store(panel.owner_id)
    await host.install("whatsapp", store_id=store_id, config={"provider": "evolution"})
    return Shop(host, panel, store_id)


@pytest.fixture
def write(host):
    """Have a customer write BAJA to the number."""

    async def write(path=""):
        body, headers = fake_meta.signed(fake_meta.change(NUMBER, messages=[fake_meta.text_message(CUSTOMER, "BAJA")]))
        return await host.client.post(f"/webhooks/plugins/whatsapp{path}", content=body, headers=headers)

    return write


@pytest.mark.parametrize("provider", ["meta", "evolution"])
async def test_a_number_that_a_store_proved_is_no_other_stores(mine, theirs, write, provider):
    first = await mine.choose(fake_meta.TOKEN)
    second = await theirs.choose("another-good-token", provider=provider)
    await write()

    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 422, "config_rejected")
    assert REFUSED in second.text
    assert (await mine.opted_out(), await theirs.opted_out()) == ([f"+{CUSTOMER}"], [])


@pytest.mark.parametrize("token", ["another-good-token", "no-token"])
async def test_who_writes_a_number_first_without_its_token_hears_nothing_and_bars_nobody(mine, theirs, write, token):
    squatter, alone = await theirs.choose(token), await write()
    before = await theirs.opted_out()
    owner, both = await mine.choose(fake_meta.TOKEN), await write()
    own_address = await write(f"/{theirs.store_id}")

    assert [one.status_code for one in (squatter, alone, owner, both, own_address)] == [200] * 5
    assert (before, await mine.opted_out(), await theirs.opted_out()) == ([], [f"+{CUSTOMER}"], [])


async def test_a_store_with_an_app_of_its_own_does_not_spoil_the_post_of_another(mine, theirs, write):
    config = {"phoneNumberId": NUMBER, "accessToken": "no-token", "appSecret": "an-app-of-its-own"}
    body = {"config": {"provider": "meta", "meta": config}}
    await theirs.ask("PUT", "/plugins/whatsapp", json=body, headers={"if-match": "*"})
    await mine.choose(fake_meta.TOKEN)

    assert ((await write()).status_code, await mine.opted_out()) == (200, [f"+{CUSTOMER}"])


async def test_a_number_that_meta_could_not_show_at_the_time_is_proved_by_its_first_call(mine, meta, operator, write):
    operator["PIDEAI_PLUGIN_WHATSAPP_META_API_URL"] = "http://127.0.0.1:9"
    chosen, too_early = await mine.choose(fake_meta.TOKEN), await write()
    operator["PIDEAI_PLUGIN_WHATSAPP_META_API_URL"] = meta.url
    again = await write()

    assert [one.status_code for one in (chosen, too_early, again)] == [200, 503, 200]
    assert await mine.opted_out() == [f"+{CUSTOMER}"]


async def test_of_two_that_both_name_a_number_already_only_the_one_that_proves_it_hears(mine, theirs, shop, write):
    for store in (theirs, mine):
        await store.choose(fake_meta.TOKEN if store is mine else "another-good-token")
    await shop.connection.execute("delete from pideai_whatsapp.meta_numbers")
    await shop.connection.execute("delete from pideai_host.plugin_storage")
    await write()

    assert (await mine.opted_out(), await theirs.opted_out()) == ([f"+{CUSTOMER}"], [])


async def test_a_number_that_its_store_gave_up_can_be_proved_by_another(mine, theirs, write):
    await mine.choose(fake_meta.TOKEN)
    await mine.choose(None, number=None, provider="evolution")
    moved = await theirs.choose(fake_meta.TOKEN)
    back = await mine.choose(fake_meta.TOKEN)
    await write()

    assert (moved.status_code, back.status_code) == (200, 422)
    assert (await mine.opted_out(), await theirs.opted_out()) == ([], [f"+{CUSTOMER}"])


async def test_meta_is_asked_once_for_a_number_that_is_proved_and_once_a_minute_for_one_that_is_not(
    mine, theirs, meta, write
):
    await theirs.choose("no-token")
    for _ in range(3):
        await write()
    unproved = len(meta.asked)
    await mine.choose(fake_meta.TOKEN)
    for _ in range(3):
        await write()

    assert (unproved, len(meta.asked)) == (2, 3)
