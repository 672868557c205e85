"""What `asx.check_family` hands back: one verdict a property."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Check:
    """One property of a family.

    Attributes:
        name: what is checked.
        ok: the verdict; `None` where the family declares nothing to check.
        discrepancy: the largest found, in the unit that `note` names.
        tolerance: the largest allowed.
        note: the unit, or what was found.
    """

    name: str
    ok: bool | None
    discrepancy: float
    tolerance: float
    note: str = ""

    @property
    def verdict(self) -> str:
        """`"ok"`, `"FAILED"` or `"not declared"`."""
        return "not declared" if self.ok is None else ("ok" if self.ok else "FAILED")


@dataclasses.dataclass(frozen=True, repr=False)
class FamilyReport:
    """What `check_family` found; prints as a table.

    Attributes:
        family: the name of the family.
        checks: one record a property.
    """

    family: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(check.name for check in self.checks if check.ok is False)

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [f"Family {self.family}: {'ok' if self.ok else 'FAILED'}"]
        for c in self.checks:
            numbers = "" if c.ok is None else f"{c.discrepancy:9.1e} (<= {c.tolerance:.0e})"
            lines.append(f"  {c.name:<{width}}  {c.verdict:<12}  {numbers:<20}  {c.note}".rstrip())
        return "\n".join(lines)

    __repr__ = __str__
