"""What is to be done when: one due time per (task, object), handed out in time order."""

import heapq
import itertools
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Task(IntEnum):
    """In the order in which tasks of the same instant are done."""

    END = 0
    START = 1
    RENEW = 2
    EXPIRE = 3
    GRANT = 4


@dataclass(frozen=True, slots=True, order=True)
class Appointment:
    due: datetime
    task: Task
    order: int
    object_id: str


class Agenda:
    def __init__(self) -> None:
        self._heap: list[Appointment] = []
        self._valid: dict[tuple[Task, str], Appointment] = {}
        self._order = itertools.count()

    def put(self, task: Task, object_id: str, *, due: datetime) -> None:
        """Replaces the appointment for the same task of the same object."""
        appointment = Appointment(due, task, next(self._order), object_id)
        self._valid[task, object_id] = appointment
        heapq.heappush(self._heap, appointment)
        if len(self._heap) > 2 * len(self._valid) + 1000:
            self._heap = sorted(self._valid.values())

    def cancel(self, task: Task, object_id: str) -> None:
        self._valid.pop((task, object_id), None)

    def take(self, *, now: datetime) -> Appointment | None:
        """The next one that is due."""
        while self._heap and self._heap[0].due <= now:
            appointment = heapq.heappop(self._heap)
            if self._valid.get((appointment.task, appointment.object_id)) is appointment:
                del self._valid[appointment.task, appointment.object_id]
                return appointment
        return None

    @property
    def state(self) -> list[Appointment]:
        return sorted(self._valid.values())

    def restore(self, appointments: list[Appointment]) -> None:
        self.clear()
        for known in appointments:
            self.put(known.task, known.object_id, due=known.due)

    def clear(self) -> None:
        self._heap.clear()
        self._valid.clear()
