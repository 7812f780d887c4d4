import type { Digest, MirrorList } from '@ict/plugin-api';
import { mirrorBase } from './mirror-base.js';
import { REPOMD } from './signed-root.js';
import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import type { XmlText } from './xml-text.js';

/** SHA-256 as mirror managers write it, and as the registry of IANA does, which openSUSE's server goes by. */
const SHA256: ReadonlySet<string | undefined> = new Set(['sha256', 'sha-256']);

/** What a metalink says of one state of repomd.xml, while it is read. */
interface Draft {
  sha256?: string;
  size?: number;
}

/**
 * Reads a metalink, version 3 with what mirror managers add to it: mirrors, best first, and the states of repomd.xml that they may serve, the
 * present one first. Mirrors of other protocols than HTTP are left out.
 *
 * @param source names the document in messages.
 * @throws `ICT_RPM_INDEX_INVALID` for text that is no XML.
 * @returns undefined when it says nothing of repomd.xml, or vouches for no state of it by SHA-256.
 */
export function parseMetalink(bytes: Buffer, source: string): MirrorList | undefined {
  const handler = new MetalinkHandler();
  const reader = new XmlReader(handler, source);
  reader.write(bytes);
  reader.end();
  const [present, ...alternates] = handler.states.map(toRoot);
  if (present === undefined) return undefined;
  const urls = handler.mirrors.sort((a, b) => b.preference - a.preference).map(({ url }) => url);
  return { urls, roots: [present, ...alternates.filter((root) => root !== undefined)] };
}

function toRoot({ sha256, size }: Draft): NonNullable<MirrorList['roots']>[number] | undefined {
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  return {
    digest: `sha256:${sha256}` as Digest,
    ...(isCount(size) ? { sizeBytes: size } : {}),
  };
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value > 0;
}

class MetalinkHandler implements XmlHandler {
  /** The present state, and its alternates. */
  readonly states: Draft[] = [];
  #present: Draft = {};
  /** The state that is being described: alternates may stand before what the file itself is. */
  #state: Draft = {};
  readonly mirrors: { readonly url: string; readonly preference: number }[] = [];
  #inFile = false;
  #inResources = false;
  #algorithm: string | undefined;
  #preference = 0;

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'file') this.#inFile = attributes.get('name') === 'repomd.xml';
    if (!this.#inFile) return false;
    if (name === 'file') this.states.push((this.#present = this.#state = {}));
    else if (name === 'alternate') this.states.push((this.#state = {}));
    else if (name === 'resources') this.#inResources = true;
    else if (name === 'hash') this.#algorithm = attributes.get('type');
    else if (name === 'url') this.#preference = Number(attributes.get('preference') ?? 0) || 0;
    return name === 'hash' || name === 'size' || name === 'url';
  }

  close(name: string, text: XmlText): void {
    if (!this.#inFile) return;
    if (name === 'file') this.#inFile = false;
    else if (name === 'alternate') this.#state = this.#present;
    else if (name === 'resources') this.#inResources = false;
    else if (name === 'size') this.#state.size = Number(text.trimmed());
    else if (name === 'hash' && SHA256.has(this.#algorithm)) this.#state.sha256 = text.trimmed().toLowerCase();
    else if (name === 'url' && this.#inResources) this.#mirror(text.trimmed());
  }

  #mirror(url: string): void {
    const base = url.endsWith(`/${REPOMD}`) ? mirrorBase(url.slice(0, -REPOMD.length)) : undefined;
    if (base !== undefined) this.mirrors.push({ url: base, preference: this.#preference });
  }
}
