//! HTTP adapters: Chat REST, error envelopes, rate limits.
