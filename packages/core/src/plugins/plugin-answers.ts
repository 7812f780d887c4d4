import { isPackageFileName } from '@ict/cache';
import { isArchiveAddress } from '@ict/plugin-api';
import type { ErrorKind, FormatArtifact, Resolution, ResolutionRequest, ResolvedPackage } from '@ict/plugin-api';
import {
  bytes,
  count,
  digest,
  fileEnd,
  flag,
  is,
  jsonData,
  list,
  oneOf,
  optional,
  record,
  seconds,
  shape,
  stream,
  text,
  word,
  words,
  type Check,
} from './value-check.js';
import { blobOutput } from '../step-output.js';

/** A check of what a function of a plugin answers to these arguments. */
type AnswerCheck = (args: readonly unknown[]) => Check;

const elsewhere = optional(
  is('an address of http or https in its plain form', (value) => typeof value === 'string' && isArchiveAddress(value)),
);

const index = shape({ archive: elsewhere, path: text, digest, sizeBytes: count });

const snapshot = shape({
  repository: shape({ id: text, archive: text }),
  root: shape({ path: text, digest, sizeBytes: count, dateSeconds: seconds, validUntilSeconds: optional(seconds) }),
  signers: words,
  indexes: list(index),
});

const problem = shape({ code: word, message: text, hint: optional(text), because: words });

/** A package of a closure: of a repository that was asked, and under an id of its own. */
function resolved({ snapshots }: ResolutionRequest): Check {
  const repository = oneOf(...snapshots.map((one) => one.repository.id));
  const ids = new Set<unknown>();
  const fields = shape({
    id: word,
    name: word,
    version: text,
    arch: text,
    repository,
    archive: elsewhere,
    path: text,
    digest,
    sizeBytes: count,
    requires: words,
    requestedBy: words,
    summary: optional(text),
  });
  return (value, path) => {
    const fault = fields(value, path);
    if (fault !== undefined) return fault;
    const { id, name, version, arch } = value as ResolvedPackage;
    // Who reads a lock refuses another.
    if (id !== `${name}:${arch}` && id !== `${name}:${arch}=${version}`) {
      return { path: `${path}.id`, expected: JSON.stringify(`${name}:${arch}`), found: id };
    }
    if (ids.has(id)) return { path: `${path}.id`, expected: 'an id of its own', found: id };
    ids.add(id);
    return undefined;
  };
}

type Resolved = Extract<Resolution, { readonly kind: 'resolved' }>;

/** What a closure says of its seeds: only members answer them. */
function answersOf({ closure: { packages } }: Resolved): Check {
  const ids = new Set<unknown>(packages.map(({ id }) => id));
  const member = is('the id of a package of the closure', (value) => ids.has(value));
  return shape({ closure: shape({ answers: optional(record(list(member, 'a list of ids'))) }) });
}

function resolution(request: ResolutionRequest): Check {
  const closure = shape({ packages: list(resolved(request)) });
  const good = shape({ closure, warnings: list(problem) });
  const bad = shape({ problems: list(problem) });
  const kind = shape({ kind: oneOf('resolved', 'unsolvable') });
  return (value, path) => {
    const fault = kind(value, path);
    if (fault !== undefined) return fault;
    const { kind: answered, problems } = value as { readonly kind: string; readonly problems?: unknown };
    if (answered === 'resolved') return good(value, path) ?? answersOf(value as Resolved)(value, path);
    const empty = Array.isArray(problems) && problems.length === 0;
    return empty ? { path: 'problems', expected: 'a list of what cannot be had', found: 'empty' } : bad(value, path);
  };
}

const fileName = is(
  'a plain file name that nothing else has: no slash, no dot at its beginning, at most 255 bytes',
  (value) => typeof value === 'string' && isPackageFileName(value),
);

/** What a tree holds. */
export const installedPackages = list(shape({ name: word, version: text, arch: text }));

const artifact = shape({ extension: fileEnd, blob: blobOutput });

/** Files of an image, each under a name of its own. */
const artifacts: Check = (value, path) => {
  const fault = list(artifact)(value, path);
  if (fault !== undefined) return fault;
  const extensions = (value as readonly FormatArtifact[]).map(({ extension }) => extension);
  const twice = extensions.findIndex((extension, place) => extensions.indexOf(extension) < place);
  return twice === -1
    ? undefined
    : { path: `${path}[${twice}].extension`, expected: 'one that no other artifact has', found: extensions[twice] };
};

const report = shape({ code: word, message: text, hint: optional(text), severity: oneOf('error', 'warning') });

const explained = shape({ name: word, reason: word });
const required: Check = (value, path) => (typeof value === 'string' ? text : explained)(value, path);

/** The compiler names a kind that is missing here. */
const KINDS: Readonly<Record<ErrorKind, true>> = {
  invalid: true,
  usage: true,
  unsolvable: true,
  network: true,
  integrity: true,
  offline: true,
  host: true,
  command: true,
  internal: true,
  interrupted: true,
};

/** An `IctError` that says what a script needs: which kind it is, by which `ict` ends with a status, and facts that can be printed. */
export const refusal = shape({
  code: word,
  kind: oneOf(...Object.keys(KINDS)),
  message: word,
  hint: optional(text),
  facts: jsonData,
  problems: list(report),
});

const listed = { name: word, version: text, arch: text };
const recorded = { ...listed, repository: text, archive: elsewhere, path: text, digest, sizeBytes: count };
const summarized = { ...listed, summary: text };
const lines = list(shape({ field: text, text }));
const described = shape({ ...recorded, ...summarized, details: lines, relations: lines });
const providing = shape({ ...listed, provides: text });

const withheld = shape({ ...listed, repository: text, reason: text });
const standing = shape({ ...listed, repository: text, candidate: flag });
const advisory = shape({ id: word, type: text, title: text, cves: words, repository: text, packages: list(shape(listed)) });
const changelog = shape({ ...listed, entries: list(shape({ author: text, text })) });

/** What functions stream, by their names. */
export const ELEMENTS: Readonly<Record<string, Check>> = {
  'metadata.packages': shape(recorded),
  'catalogue.list': shape(summarized),
};

/** Functions whose answer is used at once: a promise is none. */
export const AT_ONCE: ReadonlySet<string> = new Set([
  ...Object.keys(ELEMENTS),
  'inventory.purl',
  'fileName',
  'check',
  'requires',
  'tools',
  'export',
]);

/** By the name of the function in its part; what is not here answers nothing, or what whoever asks looks at by itself. */
export const ANSWERS: Readonly<Record<string, AnswerCheck>> = {
  'metadata.snapshot': () => snapshot,
  'resolver.resolve': ([request]) => resolution(request as ResolutionRequest),
  'metadata.packages': () => stream,
  'catalogue.list': () => stream,
  'catalogue.describe': () => shape({ packages: list(described), providers: list(providing) }),
  'catalogue.withheld': () => list(withheld),
  'catalogue.standings': () => list(standing),
  'catalogue.advisories': () => list(advisory),
  'catalogue.changelogs': () => optional(list(changelog)),
  'inventory.list': () => installedPackages,
  'inventory.purl': () => word,
  fileName: () => (value, path) => word(value, path) ?? fileName(value, path),
  check: () => list(report),
  requires: () => list(required),
  tools: () => words,
  build: () => artifacts,
  export: () => bytes,
};
