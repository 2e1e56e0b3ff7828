//! The token server.

use crate::define::group;
use crate::label::label;
use crate::{Counter, Counters};

label! {
    /// For whom a token was minted.
    Whom("user") {
        /// Somebody who was registered for it.
        New = "new",
        /// Somebody who was there.
        Known = "known",
    }
}

label! {
    /// Why a call was refused.
    Refused("reason") {
        /// Certificate or key: none, an unknown one, or one that is over.
        Credential = "credential",
        /// From where or to where it came.
        Address = "address",
        /// The client calls too often.
        ClientRate = "client_rate",
        /// Too many bad calls from one address.
        AddressRate = "address_rate",
        /// The user does not exist or may not log in.
        User = "user",
        /// The call is none.
        Malformed = "malformed",
        /// The server cannot.
        Fault = "fault",
    }
}

group! {
    /// Tokens that were minted.
    MINTED: Counters<Whom, { Whom::COUNT }> = Counters::new(), "stoa_token_server_minted", none,
        "`new` rises faster than people come to the app: its back end does not send the same id for the same person.";
    /// Users that were deleted by the app's own id.
    DELETED: Counter = Counter::new(), "stoa_token_server_deleted", none,
        "It rises and nobody asked to be erased.";
    /// Calls that were refused.
    REFUSED: Counters<Refused, { Refused::COUNT }> = Counters::new(), "stoa_token_server_refused", none,
        "`credential` or `address_rate` rises: somebody tries the door, or a certificate has ended. `fault` rises at all.";
}
