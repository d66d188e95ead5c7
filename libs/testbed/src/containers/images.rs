//! Which images: the upstream ones, or those built here from the same packages.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use testcontainers_modules::testcontainers::bollard::{
    Docker, query_parameters::CreateImageOptionsBuilder,
};

use super::engine_error;
use crate::{Server, StackError};

/// All image names, pinned in one file for the shell scripts and for us.
const PINNED: &str = include_str!("../../../../infra/images/images.env");

/// Name and tag of each server's image.
pub(super) type Images = BTreeMap<Server, (String, String)>;

/// Where images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Upstream,
    Local,
}

/// Decides once for a whole stack: `NOVA_IMAGES` (`upstream` or `local`); else upstream images that are here,
/// else local ones that are here, else upstream images pulled now.
pub(super) async fn choose(docker: &Docker) -> Result<Images, StackError> {
    let (upstream, local) = (pinned(Source::Upstream)?, pinned(Source::Local)?);
    match std::env::var("NOVA_IMAGES").as_deref() {
        Ok("upstream") => {
            pull_missing(docker, &upstream).await?;
            return Ok(upstream);
        }
        Ok("local") => {
            return all_here(docker, &local)
                .await
                .then_some(local)
                .ok_or_else(not_built);
        }
        Ok(other) => {
            return Err(StackError::Containers(format!(
                "NOVA_IMAGES is {other:?}; it can be upstream or local"
            )));
        }
        Err(_) => {}
    }
    if all_here(docker, &upstream).await {
        return Ok(upstream);
    }
    if all_here(docker, &local).await {
        return Ok(local);
    }
    pull_missing(docker, &upstream).await?;
    Ok(upstream)
}

fn not_built() -> StackError {
    StackError::Containers("the local images are not there; `just images` builds them".to_owned())
}

fn pinned(source: Source) -> Result<Images, StackError> {
    let prefix = match source {
        Source::Upstream => "NOVA_UPSTREAM_",
        Source::Local => "NOVA_LOCAL_",
    };
    Server::BACKENDS
        .into_iter()
        .map(|server| {
            let key = format!("{prefix}{}=", server.name().to_uppercase());
            let image = PINNED
                .lines()
                .find_map(|line| line.strip_prefix(key.as_str()));
            let (name, tag) = image
                .and_then(|image| image.rsplit_once(':'))
                .ok_or_else(|| {
                    StackError::Containers(format!("images.env pins nothing as {key}image:tag"))
                })?;
            Ok((server, (name.to_owned(), tag.to_owned())))
        })
        .collect()
}

async fn all_here(docker: &Docker, images: &Images) -> bool {
    for (name, tag) in images.values() {
        if docker
            .inspect_image(&format!("{name}:{tag}"))
            .await
            .is_err()
        {
            return false;
        }
    }
    true
}

async fn pull_missing(docker: &Docker, images: &Images) -> Result<(), StackError> {
    for (name, tag) in images.values() {
        if docker.inspect_image(&format!("{name}:{tag}")).await.is_ok() {
            continue;
        }
        tracing::info!(image = %format!("{name}:{tag}"), "pulling");
        let options = CreateImageOptionsBuilder::new()
            .from_image(name)
            .tag(tag)
            .build();
        let mut progress = docker.create_image(Some(options), None, None);
        while let Some(step) = progress.next().await {
            step.map_err(engine_error(format!(
                "pulling {name}:{tag} (`just images` builds local ones instead)"
            )))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_both_images() {
        assert_eq!(pinned(Source::Upstream).unwrap().len(), 5);
        let local = pinned(Source::Local).unwrap();
        assert!(
            local
                .values()
                .all(|(name, tag)| name.starts_with("nova-local/") && !tag.is_empty())
        );
    }
}
