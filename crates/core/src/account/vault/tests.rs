use super::*;
use sotto_wire::random::OsRandom;
use std::collections::HashMap;
use std::sync::Mutex as StdMutex;

const CHEAP: Cost = Cost {
    memory_kib: 16,
    passes: 1,
};

/// A keyring under control.
#[derive(Default)]
struct Fake {
    keys: StdMutex<HashMap<String, [u8; 32]>>,
    mood: StdMutex<Mood>,
}

#[derive(Default, Clone, Copy)]
enum Mood {
    #[default]
    Fine,
    Locked,
    Absent,
}

impl Fake {
    fn mood(&self) -> Result<(), KeyringError> {
        match *self.mood.lock().unwrap() {
            Mood::Fine => Ok(()),
            Mood::Locked => Err(KeyringError::Locked),
            Mood::Absent => Err(KeyringError::Absent),
        }
    }
}

impl KeyStore for Fake {
    fn get(&self, name: &str) -> Result<Option<VaultKey>, KeyringError> {
        self.mood()?;
        Ok(self
            .keys
            .lock()
            .unwrap()
            .get(name)
            .map(|key| VaultKey::new(*key)))
    }

    fn set(&self, name: &str, key: &VaultKey) -> Result<(), KeyringError> {
        self.mood()?;
        self.keys.lock().unwrap().insert(name.to_owned(), **key);
        Ok(())
    }
}

fn place(dir: &tempfile::TempDir, choice: KeyringChoice, keys: &Arc<Fake>) -> Place {
    Place {
        data_dir: dir.path().to_owned(),
        choice,
        cost: CHEAP,
        keys: Arc::clone(keys) as Arc<dyn KeyStore>,
        random: Arc::new(OsRandom),
    }
}

async fn opened(place: &Place) -> Vault {
    match place.open().await.unwrap() {
        Opening::Open(vault) => vault,
        Opening::Passphrase { .. } => panic!("asks for a passphrase"),
    }
}

#[tokio::test]
async fn secrets_outlive_the_process_by_the_keyring() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Arc::new(Fake::default()));
    let place = place(&dir, KeyringChoice::System, &keys);
    opened(&place).await.set("a", b"secret").await.unwrap();
    let again = opened(&place).await;
    assert_eq!(again.get("a").await.unwrap().as_slice(), b"secret");
    again.delete("a").await.unwrap();
    assert!(opened(&place).await.get("a").await.is_none());
}

#[tokio::test]
async fn two_data_directories_do_not_meet_in_one_keyring() {
    let keys = Arc::new(Fake::default());
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for dir in &dirs {
        opened(&place(dir, KeyringChoice::System, &keys)).await;
    }
    assert_eq!(keys.keys.lock().unwrap().len(), 2);
    for dir in &dirs {
        opened(&place(dir, KeyringChoice::System, &keys)).await;
    }
}

#[tokio::test]
async fn without_a_keyring_a_passphrase_is_chosen_and_then_asked_for() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Arc::new(Fake::default()));
    *keys.mood.lock().unwrap() = Mood::Absent;
    let place = place(&dir, KeyringChoice::System, &keys);
    assert!(matches!(
        place.open().await.unwrap(),
        Opening::Passphrase { create: true }
    ));
    let short = place.open_with("1234567".into()).await.err().unwrap();
    assert_eq!(short.code(), "vault.passphrase_too_short");
    let vault = place.open_with("correct horse".into()).await.unwrap();
    vault.set("a", b"secret").await.unwrap();

    // A keyring that has come up since changes nothing.
    *keys.mood.lock().unwrap() = Mood::Fine;
    assert!(matches!(
        place.open().await.unwrap(),
        Opening::Passphrase { create: false }
    ));
    let wrong = place
        .open_with("battery staple".into())
        .await
        .err()
        .unwrap();
    assert_eq!(wrong.code(), "vault.wrong_passphrase");
    let vault = place.open_with("correct horse".into()).await.unwrap();
    assert_eq!(vault.get("a").await.unwrap().as_slice(), b"secret");
}

#[tokio::test]
async fn a_keyring_that_is_away_later_is_an_error_and_makes_nothing_new() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Arc::new(Fake::default()));
    let place = place(&dir, KeyringChoice::System, &keys);
    opened(&place).await.set("a", b"secret").await.unwrap();
    for (mood, code) in [
        (Mood::Absent, "keyring.unavailable"),
        (Mood::Locked, "keyring.locked"),
    ] {
        *keys.mood.lock().unwrap() = mood;
        assert_eq!(place.open().await.err().unwrap().code(), code);
    }
    *keys.mood.lock().unwrap() = Mood::Fine;
    let kept = std::mem::take(&mut *keys.keys.lock().unwrap());
    assert_eq!(
        place.open().await.err().unwrap().code(),
        "keyring.unavailable"
    );
    *keys.keys.lock().unwrap() = kept;
    assert_eq!(
        opened(&place).await.get("a").await.unwrap().as_slice(),
        b"secret"
    );
}

#[tokio::test]
async fn a_locked_keyring_on_the_first_start_is_not_taken_for_an_absent_one() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Arc::new(Fake::default()));
    *keys.mood.lock().unwrap() = Mood::Locked;
    let error = place(&dir, KeyringChoice::System, &keys)
        .open()
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "keyring.locked");
    assert!(!dir.path().join("vault").exists());
}

#[tokio::test]
async fn a_prompt_nobody_answers_ends_in_time() {
    struct Silent;
    impl KeyStore for Silent {
        fn get(&self, _: &str) -> Result<Option<VaultKey>, KeyringError> {
            std::thread::park();
            Err(KeyringError::Absent)
        }
        fn set(&self, _: &str, _: &VaultKey) -> Result<(), KeyringError> {
            Err(KeyringError::Absent)
        }
    }
    let patience = Duration::from_millis(20);
    let answer = keyring::ask(Arc::new(Silent), patience, |keys| keys.get("x")).await;
    assert!(matches!(answer, Err(KeyringError::Locked)));
}

#[tokio::test]
async fn a_changed_byte_anywhere_is_noticed() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Arc::new(Fake::default()));
    let place = place(&dir, KeyringChoice::System, &keys);
    opened(&place).await.set("a", b"secret").await.unwrap();
    let path = dir.path().join("vault");
    let genuine = std::fs::read(&path).unwrap();
    for at in (0..genuine.len()).step_by(7) {
        let mut changed = genuine.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).unwrap();
        if let Ok(Opening::Open(_)) = place.open().await {
            panic!("byte {at} does not matter");
        }
    }
}

#[tokio::test]
async fn the_file_shows_no_secret() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Arc::new(Fake::default()));
    opened(&place(&dir, KeyringChoice::System, &keys))
        .await
        .set("name", b"secret")
        .await
        .unwrap();
    let bytes = std::fs::read(dir.path().join("vault")).unwrap();
    for needle in [b"secret".as_slice(), b"name"] {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle));
    }
}
