//! What one message says of another, between two real clients over two real relays.

use sotto_core::views::{MessageState, MessageView};
use sotto_testkit::{Client, Relay, network, until};

async fn page(of: &Client, with: &Client) -> Vec<MessageView> {
    let id = of.conversation(with).await;
    of.app().messages(id, None, 50).await.unwrap_or_default()
}

async fn found(of: &Client, with: &Client, text: &str) -> Option<MessageView> {
    let page = page(of, with).await;
    page.into_iter()
        .find(|message| message.text.as_deref() == Some(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_answered_reacted_to_edited_read_and_deleted() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    let hello = alice.write(&bob, "hello").await;
    bob.hears(&alice, &["hello"]).await;
    let at_bob = found(&bob, &alice, "hello").await.unwrap().id;

    let id = bob.conversation(&alice).await;
    let answer = bob
        .app()
        .send_text(id.clone(), "and you?".into(), Some(at_bob));
    answer.await.unwrap();
    until("the answer quotes", || async {
        let answer = found(&alice, &bob, "and you?").await;
        let quoted = answer.and_then(|it| it.reply_to);
        quoted.is_some_and(|it| it.message_id == Some(hello) && it.mine)
    })
    .await;

    bob.app().react(at_bob, Some("❤️".into())).await.unwrap();
    until("the reaction is seen", || async {
        let message = found(&alice, &bob, "hello").await.unwrap();
        message
            .reactions
            .iter()
            .any(|it| it.peer && it.emoji == "❤️")
    })
    .await;

    alice
        .app()
        .edit_message(hello, "hello!".into())
        .await
        .unwrap();
    until("the edit is seen", || async {
        let message = found(&bob, &alice, "hello!").await;
        message.is_some_and(|it| it.edited_at.is_some() && it.id == at_bob)
    })
    .await;
    let edits = bob.app().message_edits(at_bob).await.unwrap();
    assert_eq!(edits[0].text.as_deref(), Some("hello"));

    bob.app().mark_read(id).await.unwrap();
    until("alice sees that it was read", || async {
        let message = found(&alice, &bob, "hello!").await.unwrap();
        message.state == MessageState::Read
    })
    .await;

    alice.app().delete_message(hello, true).await.unwrap();
    until("it is gone at bob's", || async {
        let page = page(&bob, &alice).await;
        page.iter()
            .any(|it| it.id == at_bob && it.deleted && it.text.is_none())
    })
    .await;
    assert_eq!(
        page(&bob, &alice).await.len(),
        2,
        "reactions and edits are no messages"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_disappears_on_both_sides() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    alice.write(&bob, "stays").await;
    bob.hears(&alice, &["stays"]).await;
    let id = alice.conversation(&bob).await;
    alice.app().set_timer(id, Some(1)).await.unwrap();
    alice.write(&bob, "goes").await;
    until("it arrives", || async {
        let page = page(&bob, &alice).await;
        page.last().is_some_and(|it| it.expires_in == Some(1))
    })
    .await;
    until("it is gone at alice's", || async {
        page(&alice, &bob).await.len() == 1
    })
    .await;
    assert_eq!(page(&bob, &alice).await.len(), 2, "bob has not read it");
    let id = bob.conversation(&alice).await;
    assert_eq!(
        bob.app()
            .conversation(id.clone())
            .await
            .unwrap()
            .unwrap()
            .timer,
        Some(1)
    );
    bob.app().mark_read(id).await.unwrap();
    until("it is gone at bob's", || async {
        page(&bob, &alice).await.len() == 1
    })
    .await;
}
