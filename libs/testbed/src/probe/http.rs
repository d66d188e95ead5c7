//! The servers that speak HTTP.

use url::Url;

/// `/ping`, then a query with the user's own name: the server may answer pings before it can serve.
pub(super) async fn clickhouse_ready(base: &str) -> Result<(), String> {
    let mut url = Url::parse(base).map_err(|error| error.to_string())?;
    let (user, password) = (
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
    );
    // The address is in the URL; the credentials go where the server expects them.
    url.set_username("").map_err(|()| "no host".to_owned())?;
    url.set_password(None).map_err(|()| "no host".to_owned())?;
    url.set_query(Some("query=SELECT%201"));
    let request = client()?.get(url).basic_auth(user, Some(password));
    let answer = text(request).await?;
    if answer.trim() == "1" {
        Ok(())
    } else {
        Err(format!("SELECT 1 answered {answer:?}"))
    }
}

/// The list of connectors is served by the herder, which has joined its group by then.
pub(super) async fn connect_ready(base: &str) -> Result<(), String> {
    text(client()?.get(format!("{base}/connectors")))
        .await
        .map(drop)
}

/// Nova says itself whether it is ready.
pub(super) async fn nova_ready(admin: &str) -> Result<(), String> {
    text(client()?.get(format!("{admin}/health/ready")))
        .await
        .map(drop)
}

fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())
}

async fn text(request: reqwest::RequestBuilder) -> Result<String, String> {
    let answer = request.send().await.map_err(|error| causes(&error))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| causes(&error))?;
    if status.is_success() {
        Ok(body)
    } else {
        let start: String = body.chars().take(300).collect();
        Err(format!("{status}: {start}"))
    }
}

/// reqwest's own text hides why ("error sending request"); the causes below it tell.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
