//! Moments as people read them.

/// A moment in milliseconds since 1970, as RFC 3339 in UTC.
pub fn utc(at_ms: u64) -> String {
    let millis = i64::try_from(at_ms).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| "?".into(), |at| at.to_string())
}

/// A day in UTC, counted from 1970.
pub fn day(day: u32) -> String {
    let start = utc(stoa_core::Day(day).start().as_millis());
    start.split('T').next().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_days_are_told_in_utc() {
        assert_eq!(utc(1_800_000_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(day(20_833), "2027-01-15");
        assert_eq!(utc(u64::MAX), "?");
    }
}
