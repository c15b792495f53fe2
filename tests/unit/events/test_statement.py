"""Which form of the intake's statement a batch gets."""

from pideai_host.events.statement import LANES_MAX, STATEMENTS_MAX, Statements, statement


def text(statements, *, customers=False, name_lanes=True):
    return statements.choose(customers=customers, name_lanes=name_lanes).as_string(None)


def test_the_lanes_of_the_last_batch_are_named():
    statements = Statements()
    statements.learn({"pideai_one", "pideai_two"})
    statements.learn({"pideai_two"})

    assert ('"q_pideai_two"' in text(statements), '"q_pideai_one"' in text(statements)) == (True, False)


def test_a_batch_without_deliveries_tells_nothing_of_lanes():
    statements = Statements()
    statements.learn({"pideai_one"})
    statements.learn(set())

    assert '"q_pideai_one"' in text(statements)


def test_no_lane_is_named_where_the_batch_could_not_be_sent_again_nor_after_one_was_missing():
    statements = Statements()
    statements.learn({"pideai_one"})
    unnamed = text(statements, name_lanes=False)
    statements.forget()

    assert ("q_pideai_one" in unnamed, "q_pideai_one" in text(statements)) == (False, False)


def test_what_goes_to_a_lane_that_is_not_named_takes_pgmqs_function():
    made = statement(("pideai_one",), customers=False).as_string(None)

    assert ("lane <> all ('{pideai_one}'::text[])" in made, "pgmq.send_batch" in made) == (True, True)


def test_a_statement_names_few_lanes():
    statements = Statements()
    statements.learn({f"pideai_{n}" for n in range(LANES_MAX + 1)})

    assert text(statements).count('insert into "pgmq".') == LANES_MAX


def test_the_number_of_forms_is_bounded():
    statements = Statements()
    for n in range(STATEMENTS_MAX):
        statements.learn({f"pideai_{n}"})
        text(statements)
    statements.learn({"pideai_one_more"})

    assert "q_pideai_one_more" not in text(statements)


def test_customers_are_looked_at_only_where_there_are_any():
    statements = Statements()

    assert ("newcomer" in text(statements, customers=True), "newcomer" in text(statements)) == (True, False)


def test_no_mark_of_a_part_is_left():
    for customers in (True, False):
        assert "--[" not in statement(("pideai_one",), customers=customers).as_string(None)
