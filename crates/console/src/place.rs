//! What an app's owner decides about place: the geofence, the service area, what may cross regions.

use std::sync::Arc;

use stoa_core::{App, AppKey, Country, Crossing, Permit, Region, limits};

use crate::{Console, ConsoleError};

impl Console {
    /// Sets whether only clients in the service area are served. Sessions outside end.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_geofence(&self, key: &AppKey, on: bool) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            app.place.geofence = on;
            Ok(())
        })
        .await
    }

    /// Sets the countries whose clients a geofence lets in; none: those that the app's region serves.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn set_service_area(
        &self,
        key: &AppKey,
        countries: &[Country],
    ) -> Result<Arc<App>, ConsoleError> {
        let mut countries = countries.to_vec();
        countries.sort_unstable();
        countries.dedup();
        let area = Some(countries).filter(|countries| !countries.is_empty());
        self.change(key, |app| {
            app.place.service_area.clone_from(&area);
            Ok(())
        })
        .await
    }

    /// Lets something cross from one region to another up to a moment, instead of what was said of that
    /// before. One of the two is the app's own: what goes out begins there, and clients come to it.
    ///
    /// # Errors
    /// [`ConsoleError::Value`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn add_permit(&self, key: &AppKey, permit: Permit) -> Result<Arc<App>, ConsoleError> {
        let now = self.clock.now();
        let refuse = |field, problem| Err(ConsoleError::Value { field, problem });
        self.change(key, |app| {
            let Permit { kind, from, to, until } = permit;
            let own = app.region;
            if from == to {
                return refuse(
                    "to",
                    format!("{to} is where it comes from; what stays needs no permission"),
                );
            }
            if kind.is_outbound() && from != own {
                return refuse(
                    "from",
                    format!("{kind} begin in the app's own region: choose {own}"),
                );
            }
            if !kind.is_outbound() && to != own {
                return refuse("to", format!("{kind} come to the app's own region: choose {own}"));
            }
            if until <= now {
                return refuse("until", "it is over already; name a day to come".into());
            }
            let permits = &mut app.place.permits;
            permits.retain(|known| (known.kind, known.from, known.to) != (kind, from, to));
            if permits.len() >= limits::PERMITS {
                let problem =
                    format!("an app has at most {} permissions; remove one", limits::PERMITS);
                return refuse("kind", problem);
            }
            permits.push(permit);
            permits.sort_by_key(|permit| (permit.kind, permit.from.name(), permit.to.name()));
            Ok(())
        })
        .await
    }

    /// Takes a permission back.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownPermit`], [`ConsoleError::UnknownApp`], [`ConsoleError::Store`].
    pub async fn remove_permit(
        &self,
        key: &AppKey,
        (kind, from, to): (Crossing, Region, Region),
    ) -> Result<Arc<App>, ConsoleError> {
        self.change(key, |app| {
            let before = app.place.permits.len();
            app.place
                .permits
                .retain(|known| (known.kind, known.from, known.to) != (kind, from, to));
            if app.place.permits.len() == before {
                return Err(ConsoleError::UnknownPermit { app: key.clone(), kind, from, to });
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stoa_core::{AppDirectory, Timestamp};

    use super::*;
    use crate::testing::{open, with_app};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn permit(kind: Crossing, from: Region, to: Region) -> Permit {
        Permit { kind, from, to, until: NOW.plus(Duration::from_secs(60)) }
    }

    #[tokio::test]
    async fn what_is_decided_about_place_is_seen_at_once_and_after_a_restart() {
        let (store, entropy, console, key) = with_app().await;
        assert_eq!(console.clock.now(), NOW);
        let area = ["US", "BR", "US"].map(|country| country.parse().unwrap());
        console.set_geofence(&key, true).await.unwrap();
        console.set_service_area(&key, &area).await.unwrap();
        let out = permit(Crossing::Callbacks, Region::Eu, Region::Na);
        let come = permit(Crossing::Messages, Region::Ap, Region::Eu);
        console.add_permit(&key, out).await.unwrap();
        let changed = console.add_permit(&key, come).await.unwrap();
        assert_eq!(changed.place.permits, [come, out]);
        assert_eq!(changed.place.service_area.as_ref().unwrap().len(), 2);
        for console in [&console, &open(&store, &entropy).await] {
            assert_eq!(console.by_key(&key).unwrap().place, changed.place);
        }
        let longer = Permit { until: out.until.plus(Duration::from_secs(1)), ..out };
        let changed = console.add_permit(&key, longer).await.unwrap();
        assert_eq!(changed.place.permits, [come, longer], "instead of the one before");
        let which = (Crossing::Callbacks, Region::Eu, Region::Na);
        let changed = console.remove_permit(&key, which).await.unwrap();
        assert_eq!(changed.place.permits, [come]);
        let again = console.remove_permit(&key, which).await.unwrap_err();
        assert!(matches!(again, ConsoleError::UnknownPermit { .. }), "{again}");
        let changed = console.set_service_area(&key, &[]).await.unwrap();
        assert_eq!(changed.place.service_area, None);
    }

    #[tokio::test]
    async fn permissions_that_make_no_sense_are_refused() {
        let (.., console, key) = with_app().await;
        for (permit, wrong) in [
            (permit(Crossing::Callbacks, Region::Eu, Region::Eu), "to"),
            (permit(Crossing::Callbacks, Region::Na, Region::Eu), "from"),
            (permit(Crossing::Messages, Region::Eu, Region::Na), "to"),
            (Permit { until: NOW, ..permit(Crossing::Push, Region::Eu, Region::Na) }, "until"),
        ] {
            let refused = console.add_permit(&key, permit).await.unwrap_err();
            let is = matches!(refused, ConsoleError::Value { field, .. } if field == wrong);
            assert!(is, "{refused}");
        }
    }
}
