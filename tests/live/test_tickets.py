"""Tickets: the same for the same visitor, for the models named last, and only so many."""

import threading

from live.tickets import Tickets, shared_tickets


def test_a_ticket_opens_the_models_it_was_issued_for_and_no_others():
    tickets = Tickets()
    ada, bob = tickets.issue("ada", ["a", "b"]), tickets.issue("bob", ["b"])
    assert ada != bob
    assert [tickets.allows(ada, model) for model in "abc"] == [True, True, False]
    assert [tickets.allows(bob, model) for model in "abc"] == [False, True, False]


def test_the_same_visitor_keeps_the_token_and_the_models_are_renewed():
    tickets = Tickets()
    token = tickets.issue("ada", ["a"])
    assert tickets.issue("ada", ["b"]) == token
    assert not tickets.allows(token, "a") and tickets.allows(token, "b")


def test_a_made_up_token_is_unknown_and_opens_nothing():
    tickets = Tickets()
    tickets.issue("ada", ["a"])
    for token in ("", "ada", "x" * 32):
        assert not tickets.known(token) and not tickets.allows(token, "a")


def test_tokens_cannot_be_guessed():
    tickets = Tickets()
    tokens = {tickets.issue(f"visitor {i}", ["a"]) for i in range(100)}
    assert len(tokens) == 100 and min(map(len, tokens)) >= 32  # 24 random bytes


def test_the_one_not_shown_for_longest_is_given_up_first():
    tickets = Tickets(capacity=2)
    ada, bob = tickets.issue("ada", ["a"]), tickets.issue("bob", ["a"])
    assert tickets.allows(ada, "a")  # shown: now bob's is the older one
    tickets.issue("cyd", ["a"])
    assert tickets.known(ada) and not tickets.known(bob)
    assert tickets.issue("bob", ["a"]) != bob


def test_a_visit_of_the_page_counts_as_shown():
    tickets = Tickets(capacity=2)
    ada, bob = tickets.issue("ada", ["a"]), tickets.issue("bob", ["a"])
    tickets.issue("ada", ["a"])
    tickets.issue("cyd", ["a"])
    assert tickets.known(ada) and not tickets.known(bob)


def test_many_threads_get_one_token_for_one_visitor():
    tickets, seen = Tickets(), []

    def visit() -> None:
        for _ in range(50):
            token = tickets.issue("ada", ["a"])
            assert tickets.allows(token, "a")
            seen.append(token)

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 200 and len(set(seen)) == 1


def test_a_model_is_withdrawn_from_all_tickets_but_those_of_who_may_see_it():
    tickets = Tickets()
    ada, bob, cyd = (tickets.issue(name, ["a", "b"], name.upper()) for name in ("ada", "bob", "cyd"))
    asked = []

    def may(owner: str) -> bool:
        asked.append(owner)
        if owner == "CYD":  # her page runs again meanwhile, and is told what holds now
            assert tickets.issue("cyd", ["a"], "CYD") == cyd
        return owner == "ADA"

    tickets.withdraw("a", may)
    assert sorted(asked) == ["ADA", "BOB", "CYD"]
    assert [tickets.allows(token, "a") for token in (ada, bob, cyd)] == [True, False, True]
    assert tickets.allows(bob, "b") and tickets.known(bob) and tickets.visitor(bob) == "bob"


def test_the_server_has_one_set_of_tickets():
    assert shared_tickets() is shared_tickets()
