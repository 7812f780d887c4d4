/** Parts of a package URL of type `deb`. */
export interface DebPurl {
  /** Vendor: `debian`. */
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** Codename of the release: `trixie`. */
  readonly distro: string;
}

/**
 * Package URL of a binary package: `pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64&distro=trixie`. The epoch stays in the version.
 *
 * @see https://github.com/package-url/purl-spec, types/deb
 */
export function formatPurl(parts: DebPurl): string {
  const path = `${encode(parts.namespace.toLowerCase())}/${encode(parts.name.toLowerCase())}@${encode(parts.version)}`;
  return `pkg:deb/${path}?arch=${encode(parts.arch)}&distro=${encode(parts.distro)}`;
}

/** Letters, digits, `.-_~` and the colon stay; all else is percent-encoded. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':');
}
