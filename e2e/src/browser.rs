//! A headless Chromium that looks at a page as a person does, and remembers everything it complained about.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chromiumoxide::browser::{Browser as Chromium, BrowserConfig};
use chromiumoxide::cdp::IntoEventKind;
use chromiumoxide::cdp::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams,
};
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
use chromiumoxide::cdp::browser_protocol::network::EventRequestWillBeSent;
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use chromiumoxide::page::{Page, ScreenshotParams};
use futures::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::clock::wait_until;

/// A browser starts within two seconds, or within many on a machine that compiles meanwhile.
const STARTS: Duration = Duration::from_secs(60);
/// For anything that the page is to show.
const SHOWS: Duration = Duration::from_secs(30);

/// It must not look for anything outside: what it asks of its makers' hosts would only be refused.
const ARGUMENTS: [&str; 7] = [
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "lang=en",
];

/// What the page said and did.
#[derive(Debug, Default)]
struct Seen {
    troubles: Vec<String>,
    urls: Vec<String>,
}

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    chromium: Chromium,
    page: Page,
    seen: Arc<Mutex<Seen>>,
    // Removed when the browser is gone.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium (`NOVA_CHROMIUM`, or whichever is installed) with an empty profile and an empty page.
    ///
    /// # Panics
    /// When there is none, or it does not start.
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut config = BrowserConfig::builder()
            .no_sandbox()
            .new_headless_mode()
            .user_data_dir(profile.path())
            .window_size(1280, 1000)
            .viewport(None)
            .launch_timeout(STARTS)
            // The first page is the end of a cold start.
            .request_timeout(STARTS)
            .args(ARGUMENTS);
        if let Ok(program) = std::env::var("NOVA_CHROMIUM") {
            config = config.chrome_executable(program);
        }
        let config = config
            .build()
            .unwrap_or_else(|error| panic!("{error} (infra/dist/doctor.sh e2e installs Chromium)"));
        let (chromium, mut handler) = Chromium::launch(config)
            .await
            .unwrap_or_else(|error| panic!("Chromium: {error}"));
        // It ends with the connection.
        tokio::spawn(async move { while handler.next().await.is_some() {} });
        let page = chromium.new_page("about:blank").await.unwrap();
        page.enable_log().await.unwrap();
        let browser = Self {
            chromium,
            page,
            seen: Arc::default(),
            _profile: profile,
        };
        browser.listen().await;
        browser
    }

    /// From here on everything is noted that a developer would see in red, and where the page asks for anything.
    async fn listen(&self) {
        self.on(|event: &EventExceptionThrown, seen| {
            let details = &event.exception_details;
            let thrown = details
                .exception
                .as_ref()
                .and_then(|it| it.description.clone());
            seen.troubles
                .push(format!("exception: {} {thrown:?}", details.text));
        })
        .await;
        self.on(|event: &EventConsoleApiCalled, seen| {
            if matches!(
                event.r#type,
                ConsoleApiCalledType::Error | ConsoleApiCalledType::Warning
            ) {
                seen.troubles.push(format!("console: {:?}", event.args));
            }
        })
        .await;
        // Refused by the policy, not found, answered with an error.
        self.on(|event: &EventEntryAdded, seen| {
            let entry = &event.entry;
            if matches!(entry.level, LogEntryLevel::Error | LogEntryLevel::Warning) {
                seen.troubles
                    .push(format!("log: {} {:?}", entry.text, entry.url));
            }
        })
        .await;
        self.on(|event: &EventRequestWillBeSent, seen| seen.urls.push(event.request.url.clone()))
            .await;
    }

    async fn on<E: IntoEventKind + Send + Sync + Unpin>(
        &self,
        note: impl Fn(&E, &mut Seen) + Send + 'static,
    ) {
        let mut events = self.page.event_listener::<E>().await.unwrap();
        let seen = Arc::clone(&self.seen);
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                note(
                    &event,
                    &mut seen.lock().unwrap_or_else(PoisonError::into_inner),
                );
            }
        });
    }

    /// Goes to an address.
    pub async fn open(&self, url: &str) {
        self.page
            .goto(url)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// The value of an expression.
    pub async fn js<T: DeserializeOwned>(&self, expression: &str) -> T {
        self.try_js(expression)
            .await
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Gives the focus to the first element of a selector.
    pub async fn focus(&self, selector: &str) {
        let _: bool = self
            .js(&format!(
                "(document.querySelector('{selector}').focus(), true)"
            ))
            .await;
    }

    async fn try_js<T: DeserializeOwned>(&self, expression: &str) -> Result<T, String> {
        let value = self.page.evaluate_expression(expression).await;
        let value = value.map_err(|error| error.to_string())?;
        value.into_value().map_err(|error| error.to_string())
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// When it is not within half a minute; tells what `state`, another expression, was then.
    pub async fn until(&self, what: &str, expression: &str, state: &str) {
        wait_until(what, SHOWS, || async {
            if self.try_js(&format!("Boolean({expression})")).await? {
                return Ok(());
            }
            let state: serde_json::Value = self.try_js(&format!("[{state}]")).await?;
            Err(format!("{state}; {:?}", self.troubles()))
        })
        .await;
    }

    /// Presses a key, as `j` or `Enter`: whatever has the focus gets it.
    pub async fn press(&self, key: &str) {
        let page = self.page.find_element("body").await.unwrap();
        page.press_key(key)
            .await
            .unwrap_or_else(|error| panic!("{key}: {error}"));
    }

    /// Types a text into whatever has the focus.
    pub async fn types(&self, text: &str) {
        let page = self.page.find_element("body").await.unwrap();
        page.type_str(text).await.unwrap();
    }

    /// Clicks in the middle of the first element of a selector.
    pub async fn click(&self, selector: &str) {
        let element = self.page.find_element(selector).await;
        let element = element.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element
            .click()
            .await
            .unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Prefers `light` or `dark`, in a window of this size.
    pub async fn looks(&self, scheme: &str, width: u32, height: u32) {
        let feature = MediaFeature::new("prefers-color-scheme", scheme);
        self.page
            .emulate_media_features(vec![feature])
            .await
            .unwrap();
        let size = SetDeviceMetricsOverrideParams::new(width, height, 1.0, false);
        self.page.execute(size).await.unwrap();
    }

    /// Keeps a picture of the window below `target/artefacts/`; gives its path.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let path = artefacts().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let params = ScreenshotParams::builder().build();
        self.page.save_screenshot(params, &path).await.unwrap();
        path
    }

    /// Every error, warning and exception since the start.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.lock().troubles.clone()
    }

    /// Every address that was asked for since the start.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.lock().urls.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the browser.
    pub async fn close(mut self) {
        self.chromium.close().await.unwrap();
        self.chromium.wait().await.unwrap();
    }
}

/// `target/artefacts`, beside the directory this test was built in.
fn artefacts() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    target.join("artefacts")
}
