import type { Evr } from './relations/evr.js';

/** Parts of a package URL of type `rpm`. */
export interface RpmPurl {
  /** Vendor: `fedora`. */
  readonly namespace: string;
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
  /** Release of the distribution: `fedora-43`. */
  readonly distro: string;
}

/**
 * Package URL of a package: `pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25&epoch=1`. The epoch is a qualifier of its own.
 *
 * @see https://github.com/package-url/purl-spec, types/rpm
 */
export function formatPurl({ namespace, name, evr, arch, distro }: RpmPurl): string {
  const version = `${evr.version}${evr.release === undefined ? '' : `-${evr.release}`}`;
  const epoch = evr.epoch === 0 ? '' : `&epoch=${evr.epoch}`;
  return `pkg:rpm/${encode(namespace.toLowerCase())}/${encode(name)}@${encode(version)}?arch=${encode(arch)}&distro=${encode(distro)}${epoch}`;
}

/** Letters, digits, `.-_~` and the colon stay; all else is percent-encoded. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%3A', ':');
}
