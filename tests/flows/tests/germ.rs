//! Someone who does not use Sotto, but says where else they can be reached.

use sotto_core::app::{App, Browser};
use sotto_core::views::ErrorView;
use sotto_testkit::{Account, Client, Relay, network};
use std::sync::{Arc, Mutex};

/// A browser that only remembers.
#[derive(Default)]
struct Remembers(Mutex<Vec<String>>);

impl Browser for Remembers {
    fn open(&self, url: &str) -> Result<(), ErrorView> {
        let mut opened = self.0.lock().map_err(|_| ErrorView::new("internal"))?;
        opened.push(url.to_owned());
        Ok(())
    }
}

async fn declares(account: &Account, show_button_to: &str, url: &str) {
    let record = format!(
        r#"{{"$type": "com.germnetwork.declaration", "version": "1.0.0",
            "currentKey": {{"$bytes": "A8qTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58"}},
            "messageMe": {{"showButtonTo": "{show_button_to}", "messageMeUrl": "{url}"}}}}"#
    );
    let collection = "com.germnetwork.declaration";
    network().put_record(account, collection, &record).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_germ_is_shown_there_and_written_to_nowhere() {
    let relay = Relay::start(network()).await;
    let mut alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let carol = network().account("carol", 1).await;
    let browser = Arc::new(Remembers::default());
    let mut config = alice.config(&alice.data_dir());
    config.browser = Arc::clone(&browser) as _;
    alice.stop().await;
    let app = App::start(config).await.unwrap();
    let handle = || carol.handle.clone();
    let opened = || browser.0.lock().unwrap().clone();

    let error = app.start_conversation(handle()).await.unwrap_err();
    assert_eq!(error.code, "account.no_delegation");
    assert_eq!(app.on_germ(handle()).await.unwrap(), None);

    declares(&carol, "everyone", "https://landing.ger.mx/newUser").await;
    let found = app.on_germ(handle()).await.unwrap().unwrap();
    let url = format!(
        "https://landing.ger.mx/newUser/web#{}+{}",
        carol.did, alice.account.did
    );
    assert_eq!(found.handle, carol.handle);
    assert_eq!(found.url.as_deref(), Some(url.as_str()));
    app.open_germ(handle()).await.unwrap();
    assert_eq!(opened(), [url]);

    // What is published at the moment counts, not what was shown a moment ago.
    for (shown_to, url) in [
        ("none", "https://landing.ger.mx/newUser"),
        ("usersIFollow", "https://landing.ger.mx/newUser"),
        ("everyone", "javascript:alert(1)"),
        ("everyone", "http://landing.ger.mx/newUser"),
    ] {
        declares(&carol, shown_to, url).await;
        let found = app.on_germ(handle()).await.unwrap().unwrap();
        assert_eq!(found.url, None, "{shown_to} {url}");
        let error = app.open_germ(handle()).await.unwrap_err();
        assert_eq!(error.code, "germ.no_link");
    }
    assert_eq!(opened().len(), 1);

    // It is still nobody to write to.
    let error = app.start_conversation(handle()).await.unwrap_err();
    assert_eq!(error.code, "account.no_delegation");
    assert_eq!(app.conversations().await.unwrap(), []);
    for (handle, code) in [
        ("nobody.pds1.test", "handle.unknown"),
        ("https://evil.example/", "handle.invalid"),
        (alice.account.handle.as_str(), "account.self"),
    ] {
        let error = app.open_germ(handle.to_owned()).await.unwrap_err();
        assert_eq!(error.code, code);
    }
    app.shutdown().await;
}
