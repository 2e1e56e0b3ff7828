//! The key by which this data centre signs what others are to check.

use std::sync::Arc;

use stoa_core::{Entropy, Operator};
use stoa_seal::{KeyMaterial, SigningKey};
use stoa_vault::Bucket;
use zeroize::Zeroizing;

use crate::{Store, StoreError, spaces};

impl Store {
    /// The signing key. Made at first need, and the same ever after: it is kept with the apps' records, sealed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when what lies there is none; [`StoreError::Vault`], [`StoreError::Engine`].
    pub async fn signing_key(
        &self,
        operator: &Operator,
        entropy: &dyn Entropy,
    ) -> Result<Arc<SigningKey>, StoreError> {
        if let Some(known) = self.0.signing_key.get() {
            return Ok(known.clone());
        }
        let platform = self.platform(operator).await?;
        let at = &platform.key(&spaces::SIGNING_KEY).done();
        let fresh = &KeyMaterial::random(entropy);
        let seed = platform.transact(|mut txn| async move {
            let seed = match txn.get(at).await? {
                Some(stored) => {
                    let stored = Zeroizing::new(stored.to_vec());
                    let corrupt = StoreError::Corrupt { space: spaces::SIGNING_KEY.name };
                    KeyMaterial::copy_of(stored.as_slice().try_into().map_err(|_| corrupt)?)
                }
                None => {
                    txn.put(at, Bucket::Whole, fresh.expose()).await?;
                    KeyMaterial::copy_of(fresh.expose())
                }
            };
            Ok::<_, StoreError>(txn.done(seed))
        });
        let key = Arc::new(SigningKey::from_seed(&seed.await?));
        Ok(self.0.signing_key.get_or_init(|| key).clone())
    }
}
