"""Why a message is held, skipped, cancelled or failed. Labels are in the catalogues."""

from enum import StrEnum


class Reason(StrEnum):
    """Typed reasons; the catalogue key of the label is ``reason.<value>``."""

    # held: a person must look
    AMOUNT_CONTRADICTS_FEE = "amount_contradicts_fee"  # a line against the registered fee
    AMOUNT_SUM_WRONG = "amount_sum_wrong"  # lines do not add up to the total
    AMOUNT_CONTRADICTS_RECORD = "amount_contradicts_record"  # against what was charged or decided
    DIFFERENCE_WRONG = "difference_wrong"  # wrong − right is not the difference
    FEE_NOT_REGISTERED = "fee_not_registered"
    CHARGE_NOT_ON_RECORD = "charge_not_on_record"  # nothing to check an amount against
    UNKNOWN_GATEWAY_CODE = "unknown_gateway_code"
    AUTHENTICATION_REQUIRED = "authentication_required"  # the card company wants the member present
    DEADLINE_PASSED = "deadline_passed"
    NO_ADDRESS = "no_address"  # neither channel can reach the member
    LETTER_TOO_LATE = "letter_too_late"  # it would arrive when nobody can act on it any more
    NO_BRAND = "no_brand"  # the scheme has no sender for that day
    RENDER_FAILED = "render_failed"
    RENDER_LIMIT = "render_limit"  # its template asks for more than the limits allow
    GLYPH_MISSING = "glyph_missing"  # a letter holds a character that no font of ours can print
    ADDRESS_DOES_NOT_FIT = "address_does_not_fit"  # into the window of the envelope
    TOO_MANY_PAGES = "too_many_pages"
    TOO_HEAVY = "too_heavy"  # for its postage
    POSTCODE_UNKNOWN = "postcode_unknown"
    POSTCODE_DIFFERS = "postcode_differs"  # it belongs to another place than the address
    OUTSIDE_PRINTABLE_AREA = "outside_printable_area"
    WINDOW_NOT_CLEAR = "window_not_clear"  # something else than the address would show in it
    # skipped: will not be sent
    SILENT_RETRY = "silent_retry"  # billing retries; the member hears nothing
    OPERATIONS_ONLY = "operations_only"  # our data or contract; the member hears nothing
    CHECKED_ONLY = "checked_only"  # an event that is only checked
    RECORD_ONLY = "record_only"  # an event that only changes the record
    MEMBER_LEFT = "member_left"
    CASE_CLOSED = "case_closed"
    REFUND_FOLLOWS = "refund_follows"  # no further attempt; the refund notice tells
    ALREADY_CREATED = "already_created"  # the same notice about the same matter exists
    SAID_LATELY = "said_lately"  # the same words about the same matter, within the notice's window
    TOLD_TOGETHER = "told_together"  # it is told in the message about another charge
    PLANNED = "planned"  # nothing now: the case speaks on the days of its plan
    SUPERSEDED_IN_TIME = "superseded_in_time"  # overtaken by a later fact
    # cancelled
    SUPERSEDED = "superseded"  # a corrected event took its place
    REREGISTERED = "reregistered"
    SETTLED = "settled"
    DIRECT_COLLECTION = "direct_collection"  # the card is given up
    TIMED_OUT = "timed_out"  # no outcome came
    ENDED = "ended"  # its last day is over
    REOPENED = "reopened"  # what had closed it was taken back
    BY_PERSON = "by_person"
    MAIL_ARRIVED = "mail_arrived"  # of a letter in place of a mail that has arrived after all
    LETTER_FOLLOWS = "letter_follows"  # of a mail whose place a letter has taken
    # moves of delivery
    CREATED = "created"
    CLAIMED = "claimed"
    PERMIT = "permit"  # the transmission permit was committed
    ACCEPTED = "accepted"  # the relay took it
    TEMPORARY_REFUSAL = "temporary_refusal"
    THROTTLED = "throttled"  # refused for the time being: too much or too fast for the destination
    GREYLISTED = "greylisted"  # refused at first sight, as everybody new is there
    SHAPED = "shaped"  # not tried yet: its destination is given so much at a time
    PERMANENT_REFUSAL = "permanent_refusal"
    CONNECTION_FAILED = "connection_failed"  # broke before the body went out
    BROKEN_AFTER_DATA = "broken_after_data"
    LEASE_EXPIRED = "lease_expired"
    HANDED_BACK = "handed_back"  # an orderly stop
    JOURNAL_UNSENT = "journal_unsent"  # the worker's journal shows that DATA never began
    JOURNAL_REPLY = "journal_reply"  # the worker's journal holds the reply
    POLICY_RESEND = "policy_resend"  # the notice's policy settled an uncertain message
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    EXPIRED = "expired"
    RELEASED = "released"
    REDECIDED = "redecided"  # replaced by what the rules say today
    RESENT = "resent"  # a copy that a person has asked for
    OPENED = "opened"
    CONTINUED = "continued"
    SETTLED_BY_PERSON = "settled_by_person"
    RELAY_LOG = "relay_log"  # the relay's own log settled it
    PRINTED = "printed"
    HANDED_OVER = "handed_over"
    HANDOVER_BROKEN = "handover_broken"  # nobody knows whether the press has the batch
    HANDOVER_SETTLED = "handover_settled"  # a person found out
    TAKEN_BACK = "taken_back"  # its batch came to nothing before it was handed over
    POSTED = "posted"  # the press says so
    WITHDRAWN = "withdrawn"  # the press took it out of the batch at our request
    # what came back
    BOUNCED_FOR_GOOD = "bounced_for_good"
    BOUNCED_FOR_NOW = "bounced_for_now"  # given up, for a reason that may pass
    REPORTED_DELIVERED = "reported_delivered"  # by whoever has the mailbox
    TAKEN_BY_NEXT = "taken_by_next"  # by the destination's server; it says no more
    REPORTED_TAKEN = "reported_taken"  # a report about it shows that the relay had it
    MISREAD = "misread"  # a person: the bounce was none
    ADDRESS_SUPPRESSED = "address_suppressed"
    RETURNED = "returned"  # the post brought it back
