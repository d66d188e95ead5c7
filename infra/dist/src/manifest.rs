//! Versions out of manifests in three formats.
//!
//! Only the shapes in `packages/` are understood: the package managers do the real parsing, this names directories.

/// Version of a dependency in a `pom.xml`; a `${property}` is looked up in the same file.
pub(crate) fn pom_version(pom: &str, artifact: &str) -> Result<String, String> {
    let marker = format!("<artifactId>{artifact}</artifactId>");
    let (_, after) = pom
        .split_once(&marker)
        .ok_or_else(|| format!("pom.xml has no dependency {artifact}"))?;
    let version = element(after, "version")
        .ok_or_else(|| format!("pom.xml gives no version for {artifact}"))?;
    match version
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
    {
        None => Ok(version.to_owned()),
        Some(property) => element(pom, property).map(str::to_owned).ok_or_else(|| {
            format!("pom.xml has no property {property}, the version of {artifact}")
        }),
    }
}

/// Version of a dependency in a `package.json`.
pub(crate) fn npm_version(package: &str, name: &str) -> Result<String, String> {
    let json: serde_json::Value = serde_json::from_str(package)
        .map_err(|error| format!("package.json is not JSON: {error}"))?;
    let version = json["dependencies"][name]
        .as_str()
        .ok_or_else(|| format!("package.json has no dependency {name}"))?;
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        Ok(version.to_owned())
    } else {
        Err(format!(
            "package.json does not pin {name} exactly: {version}"
        ))
    }
}

/// Version of a requirement `name==version` in a `requirements.txt`.
pub(crate) fn pip_version(requirements: &str, name: &str) -> Result<String, String> {
    requirements
        .lines()
        .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix("=="))
        .and_then(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .ok_or_else(|| format!("requirements.txt does not pin {name} with =="))
}

fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POM: &str = "<project><properties><k.version>4.3.1</k.version></properties>\
        <dependency><artifactId>broker</artifactId><version>${k.version}</version></dependency>\
        <dependency><artifactId>other</artifactId><version> 1.2 </version></dependency>\
        <dependency><artifactId>lost</artifactId><version>${none}</version></dependency></project>";

    #[test]
    fn a_pom_gives_literal_and_property_versions() {
        assert_eq!(pom_version(POM, "broker").unwrap(), "4.3.1");
        assert_eq!(pom_version(POM, "other").unwrap(), "1.2");
    }

    #[test]
    fn a_pom_without_the_package_or_property_says_which() {
        assert!(pom_version(POM, "nothing").unwrap_err().contains("nothing"));
        assert!(pom_version(POM, "lost").unwrap_err().contains("none"));
    }

    #[test]
    fn an_npm_range_is_no_pin() {
        let package = r#"{"dependencies":{"a":"1.2.3-x.1","b":"^1.2.3"}}"#;
        assert_eq!(npm_version(package, "a").unwrap(), "1.2.3-x.1");
        assert!(npm_version(package, "b").unwrap_err().contains("exactly"));
        assert!(npm_version("{", "a").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn a_requirement_must_be_exact() {
        assert_eq!(
            pip_version("# c\nvk==9.1.post2 \\\n --hash=sha256:0\n", "vk").unwrap(),
            "9.1.post2"
        );
        assert!(pip_version("vk>=9.1\n", "vk").is_err());
        assert!(pip_version("vkx==9.1\n", "vk").is_err());
    }
}
