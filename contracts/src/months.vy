# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Months
@license Apache-2.0
@notice Calendar months of the Gregorian calendar in UTC, as standing orders count them.
@dev A month after the 31st of January is the 28th or 29th of February, and a month after that the 31st of March: the day
     of the first instant counts, cut to the month's length. Instants are seconds since 1970; days have 86 400 of them.
"""

DAY_SECONDS: constant(uint256) = 86_400
DAYS_TO_MARCH_0000: constant(uint256) = 719_468  # from 1 March of the year 0, when leap days come last, to 1970
DAYS_IN_400_YEARS: constant(uint256) = 146_097  # after which the calendar repeats
LENGTHS: constant(uint256[12]) = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


@internal
@pure
def _add_months(start: uint256, months: uint256) -> uint256:
    # The instant so many months after a start, at the same time of day.
    year: uint256 = 0
    month: uint256 = 0
    day: uint256 = 0
    year, month, day = self._date_of(start // DAY_SECONDS)
    months_since_zero: uint256 = year * 12 + month - 1 + months
    year = months_since_zero // 12
    month = months_since_zero % 12 + 1
    day = min(day, self._month_length(year, month))
    return self._days_of(year, month, day) * DAY_SECONDS + start % DAY_SECONDS


@internal
@pure
def _months_between(start: uint256, instant: uint256) -> uint256:
    # Whole months from a start to an instant that is not before it.
    from_year: uint256 = 0
    from_month: uint256 = 0
    to_year: uint256 = 0
    to_month: uint256 = 0
    day: uint256 = 0
    from_year, from_month, day = self._date_of(start // DAY_SECONDS)
    to_year, to_month, day = self._date_of(instant // DAY_SECONDS)
    months: uint256 = to_year * 12 + to_month - (from_year * 12 + from_month)
    if months > 0 and self._add_months(start, months) > instant:
        months -= 1
    return months


@internal
@pure
def _date_of(days: uint256) -> (uint256, uint256, uint256):
    # Year, month and day of the month from days since 1970. Years are counted from March here, so that a leap day is
    # the last of its year; every division cuts off the part of the shorter unit.
    shifted: uint256 = days + DAYS_TO_MARCH_0000
    cycle: uint256 = shifted // DAYS_IN_400_YEARS
    day_of_cycle: uint256 = shifted % DAYS_IN_400_YEARS
    leap_days: uint256 = day_of_cycle // 1_460 - day_of_cycle // 36_524 + day_of_cycle // 146_096
    year_of_cycle: uint256 = (day_of_cycle - leap_days) // 365
    day_of_year: uint256 = day_of_cycle - (year_of_cycle * 365 + year_of_cycle // 4 - year_of_cycle // 100)
    # From March on, five months have 153 days, again and again.
    month_from_march: uint256 = (day_of_year * 5 + 2) // 153
    day: uint256 = day_of_year - (month_from_march * 153 + 2) // 5 + 1
    year: uint256 = cycle * 400 + year_of_cycle
    if month_from_march < 10:
        return year, month_from_march + 3, day
    return year + 1, month_from_march - 9, day


@internal
@pure
def _days_of(year: uint256, month: uint256, day: uint256) -> uint256:
    # Days since 1970 of a date: the reverse of _date_of.
    year_from_march: uint256 = year
    month_from_march: uint256 = month + 9
    if month > 2:
        month_from_march = month - 3
    else:
        year_from_march = year - 1
    year_of_cycle: uint256 = year_from_march % 400
    day_of_year: uint256 = (month_from_march * 153 + 2) // 5 + day - 1
    day_of_cycle: uint256 = year_of_cycle * 365 + year_of_cycle // 4 - year_of_cycle // 100 + day_of_year
    return year_from_march // 400 * DAYS_IN_400_YEARS + day_of_cycle - DAYS_TO_MARCH_0000


@internal
@pure
def _month_length(year: uint256, month: uint256) -> uint256:
    is_leap: bool = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if month == 2 and is_leap:
        return 29
    return LENGTHS[month - 1]
