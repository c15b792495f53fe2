"""Real processes, a real server and a real receiver, to be killed, cut, filled up and stopped.

rig         Rig: a store whose webhook-bridge posts to `rig.receiver`, its database, and the processes that it starts
shop        Shop: stores, plugins, orders; brings their changes in, and knows what was accepted
log         DeliveryLog: what became of it all, and what must hold whatever happened (`DeliveryLog.require_balance`)
receiver    Receiver: a developer's server that does as it is told
process     Process: a `pideai-host …` that can be killed with all that belongs to it
child       what such a process runs: the command line, with the clock that a test gives it
linked      LinkedStore: a store that tells its customers by WhatsApp, through the stand-in of Evolution
servers     PostgreSQL servers of a test's own: one that keeps its promises, one on a disk that fills up
waiting     waiting for a condition, within bounds
"""

from rig.log import Delivery
from rig.process import Process
from rig.receiver import Receiver
from rig.rig import Rig
from rig.waiting import wait_until

__all__ = ("Delivery", "Process", "Receiver", "Rig", "wait_until")
