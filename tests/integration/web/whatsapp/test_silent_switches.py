"""A switch that is on while its template is off sends nothing, and says so."""


async def test_a_switch_whose_template_is_off_is_named_until_the_template_is_on(panel):
    on = await panel.whatsapp("PATCH", "/settings", json={"auto_order_cancelled": True})
    await panel.whatsapp("PUT", "/templates/order_cancelled", json={"is_active": True})
    after = await panel.whatsapp("GET", "/settings")

    assert (on.json()["silent"], after.json()["silent"]) == (["auto_order_cancelled"], [])


async def test_a_switch_that_is_off_is_not_silent(panel):
    assert (await panel.whatsapp("GET", "/settings")).json()["silent"] == []
