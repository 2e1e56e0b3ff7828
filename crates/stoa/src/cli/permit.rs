//! `stoa app permit`: what of an app may cross from one region to another.

use std::str::FromStr;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use stoa_core::{AppKey, Country, CountryError, Crossing, Region, Timestamp};

use super::output::{self, Output};
use super::reach::Reach;
use crate::admin::{Answer, AppRequest, PlaceRequest, Request, Text};
use crate::failure::Failure;

/// The countries that a geofence lets in; none: those that the app's region serves.
#[derive(Debug, Clone)]
pub struct ServiceArea(pub Vec<Country>);

impl FromStr for ServiceArea {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "region" {
            return Ok(Self(Vec::new()));
        }
        text.split(',').map(|country| country.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// What can be done with permissions.
#[derive(Debug, Subcommand)]
pub enum PermitCommand {
    /// Permit something to cross, in one direction and up to a day
    Add {
        /// What.
        #[command(flatten)]
        crossing: CrossingArgs,
        /// The last day on which it is permitted, in UTC
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: Date,
    },
    /// List what is permitted, also what has ended
    List {
        /// The app key
        #[arg(long, value_name = "ORG#APP")]
        key: AppKey,
    },
    /// Permit it no more, from now on
    Remove(CrossingArgs),
}

/// What crosses.
#[derive(Debug, Args)]
pub struct CrossingArgs {
    /// The app key
    #[arg(long, value_name = "ORG#APP")]
    key: AppKey,
    /// callbacks, push, storage, translation (what goes out of the app's region); messages, media (what
    /// clients in other regions may come for, with a geofence)
    #[arg(long, value_name = "KIND")]
    kind: Crossing,
    /// From which region: cn, ap, eu or na
    #[arg(long, value_name = "REGION")]
    from: Region,
    /// To which region
    #[arg(long, value_name = "REGION")]
    to: Region,
}

pub(super) fn run(
    command: PermitCommand,
    reach: &mut Reach,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = match command {
        PermitCommand::Add { crossing: CrossingArgs { key, kind, from, to }, until } => {
            let until = end_of(until)?.as_millis();
            let (key, kind, from, to) = (Text(key), Text(kind), Text(from), Text(to));
            Request::Place(PlaceRequest::AddPermit { key, kind, from, to, until })
        }
        PermitCommand::List { key } => {
            Request::App(AppRequest::Show { key: Text(key), reveal: false })
        }
        PermitCommand::Remove(CrossingArgs { key, kind, from, to }) => {
            let (key, kind, from, to) = (Text(key), Text(kind), Text(from), Text(to));
            Request::Place(PlaceRequest::RemovePermit { key, kind, from, to })
        }
    };
    match reach.ask(request)? {
        Answer::App { app, .. } => {
            app.permits.iter().try_for_each(|permit| out.put(permit, output::permit_line))
        }
        _ => Err(super::strange()),
    }
}

/// The first moment after the day, in UTC.
fn end_of(day: Date) -> Result<Timestamp, Failure> {
    let refuse = |_| Failure::Usage(format!("--until: {day} is no day that can be reckoned with"));
    let next = day.tomorrow().map_err(refuse)?;
    let at = next.to_zoned(TimeZone::UTC).map_err(refuse)?.timestamp().as_millisecond();
    Ok(Timestamp::from_millis(u64::try_from(at).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_in_it() {
        let day: Date = "2027-01-15".parse().unwrap();
        // 2027-01-16T00:00:00Z.
        assert_eq!(end_of(day).unwrap(), Timestamp::from_secs(1_800_057_600));
        assert!("region".parse::<ServiceArea>().unwrap().0.is_empty());
        assert_eq!("de, FR".parse::<ServiceArea>().unwrap().0.len(), 2);
        assert!("".parse::<ServiceArea>().is_err() && "DE,Europe".parse::<ServiceArea>().is_err());
        assert!(end_of("9999-12-31".parse().unwrap()).is_err());
    }
}
