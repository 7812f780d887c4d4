import { decodeSections, encodeSections, lookupColumns, lookupSections, packageIndexError } from '@ict/package-index';
import type { LookupColumns, Sections } from '@ict/package-index';
import type { IndexDiagnostic } from './primary-columns.js';

/** Numbers of an advisory: offsets of its texts, and where its CVEs end. */
export const ADVISORY = { id: 0, type: 1, severity: 2, title: 3, issued: 4, cvesEnd: 5 } as const;
export const ADVISORY_WIDTH = 6;

/** Numbers of a package of an advisory: whose row comes first, then offsets of texts. */
export const FIX = { advisory: 0, name: 1, version: 2, arch: 3, module: 4 } as const;
export const FIX_WIDTH = 5;

/** The advisories of a repository: numbers over a run of bytes. */
export interface AdvisoryColumns {
  /** Texts, each ended by a newline; an empty one at offset 0. */
  readonly bytes: Uint8Array;
  /** Rows of {@link ADVISORY_WIDTH} numbers. */
  readonly advisories: Uint32Array;
  /** Offsets; those of an advisory begin where those of the one before end. */
  readonly cves: Uint32Array;
  /** Rows of {@link FIX_WIDTH} numbers. */
  readonly fixes: Uint32Array;
  /** Rows of `fixes` by the names of their packages. */
  readonly names: LookupColumns;
  /** What was left out, by the advisory. */
  readonly diagnostics: readonly IndexDiagnostic[];
}

/** Raised when columns or their meaning change. */
export const ADVISORIES = { kind: 'rpm-advisories', version: 1 } as const;

/** The columns in one container. */
export function encodeAdvisories({ diagnostics, names, ...columns }: AdvisoryColumns): Uint8Array<ArrayBuffer> {
  return encodeSections(ADVISORIES, {
    ...columns,
    diagnostics: Buffer.from(JSON.stringify(diagnostics), 'utf8'),
    ...lookupSections('names', names),
  });
}

/**
 * The other way. The container must be known to be one that {@link encodeAdvisories} made.
 *
 * @throws `ICT_PACKAGE_INDEX_INVALID`.
 */
export function decodeAdvisories(container: Uint8Array): AdvisoryColumns {
  const sections = decodeSections(ADVISORIES, container);
  const { bytes, advisories, cves, fixes, diagnostics } = sections as Partial<Sections>;
  const names = lookupColumns('names', sections);
  const numbers = [advisories, cves, fixes].every((column) => column instanceof Uint32Array);
  if (!numbers || !(bytes instanceof Uint8Array && diagnostics instanceof Uint8Array) || !names) {
    throw packageIndexError('ICT_PACKAGE_INDEX_INVALID', {
      message: 'a cached index of advisories cannot be used: it lacks columns',
      hint: 'Nothing is lost: the metadata of the repository is read again.',
    });
  }
  const text = Buffer.from(diagnostics.buffer, diagnostics.byteOffset, diagnostics.byteLength).toString('utf8');
  return {
    bytes,
    advisories: advisories as Uint32Array,
    cves: cves as Uint32Array,
    fixes: fixes as Uint32Array,
    names,
    diagnostics: JSON.parse(text) as IndexDiagnostic[],
  };
}
