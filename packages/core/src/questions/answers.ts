import type { Advisory, CatalogueEntry, ChangelogEntry, PackageDescription, SourcePosition } from '@ict/plugin-api';
import type { GraphEdge } from './package-graph.js';

/** One way from something that was asked for to a package. */
export interface WhyPath {
  /** What was asked for, as it was written, why, and where if it stands in a file. */
  readonly request: string;
  readonly reason: string;
  readonly position?: SourcePosition;
  /** The defaults of the distribution ask for it, whatever the template says. */
  readonly byDefault?: true;
  /** Id of the package that answers the request. */
  readonly package: string;
  /** From that package to the one in question; empty when they are the same. */
  readonly steps: readonly GraphEdge[];
}

/** The document of `ict why --json`. */
export interface Why {
  readonly schemaVersion: 1;
  readonly target: string;
  readonly package: {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly arch: string;
    readonly repository: string;
  };
  readonly part: 'image' | 'tools';
  /** When no package goes by the name: those that provide it, that package first, and how they say so. */
  readonly provided?: readonly { readonly package: string; readonly text: string }[];
  /** Architectures beside the target's own whose packages the template allows; absent: none. Packages of these are told with theirs. */
  readonly foreignArchitectures?: readonly string[];
  /** The shortest way from each thing that was asked for, the shortest of all first. */
  readonly paths: readonly WhyPath[];
}

/** The document of `ict why-not --json`. */
export interface WhyNot {
  readonly schemaVersion: 1;
  readonly target: string;
  readonly asked: string;
  /**
   * `present`: it is in the image, or a package that provides it. `unavailable`: not even alone could it be installed. `excluded`: not together with what the template asks
   * for. `not-needed`: nothing asks for it. `not-preferred`: the image has another version, which comes first.
   */
  readonly verdict: 'present' | 'unavailable' | 'excluded' | 'not-needed' | 'not-preferred';
  /** The package of that name in the image, or the one that provides it there. */
  readonly chosen?: { readonly id: string; readonly version: string; readonly repository: string };
  /** Why it cannot be had. */
  readonly problems: readonly {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly position?: SourcePosition;
    readonly because: readonly string[];
  }[];
  /** What would come or change, were it asked for. `before`: the version of the image whose place it would take. */
  readonly brings: readonly { readonly id: string; readonly version: string; readonly sizeBytes: number; readonly before?: string }[];
  /** Packages of the image that would go, without another version in their place; absent: none. */
  readonly drops?: readonly { readonly id: string; readonly version: string }[];
}

/** A package that a search found, in every version that the repositories have. */
export interface PackageMatch {
  readonly name: string;
  /** Of the newest version. */
  readonly summary: string;
  /** The newest first. `withheld`: why no image of the template can get it. */
  readonly versions: readonly {
    readonly version: string;
    readonly arch: string;
    readonly repository: string;
    readonly withheld?: string;
  }[];
  /** The version that the image has, as its lock says. */
  readonly chosen?: string;
}

/** The document of `ict search --json`. */
export interface SearchDocument {
  readonly schemaVersion: 1;
  readonly target: string;
  readonly words: readonly string[];
  /** How many packages have the words. */
  readonly found: number;
  /** The first of them, as many as were asked for. */
  readonly packages: readonly PackageMatch[];
  /** Names like the word, when nothing has it. */
  readonly nearest: readonly string[];
}

/** The document of `ict show --json`. */
export interface ShowDocument {
  readonly schemaVersion: 1;
  readonly target: string;
  readonly asked: string;
  /**
   * The newest first; none for a name that packages only provide. `withheld`: why no image of the template can get it. `candidate`: whether a
   * build that resolves afresh takes this one of its name, unless what others need forbids it, and `passedOver` why not; `priority` decides
   * before versions. Absent: it is withheld, or the ecosystem does not tell. `changelog`: its newest
   * entries, the newest first, when they were asked for and its repository publishes changelogs.
   */
  readonly packages: readonly (PackageDescription & {
    readonly inImage: boolean;
    readonly withheld?: string;
    readonly candidate?: boolean;
    readonly passedOver?: string;
    readonly priority?: number;
    readonly changelog?: readonly ChangelogEntry[];
  })[];
  /** Other packages that provide the name, in the order of the repositories, and how they say so. */
  readonly providers: readonly (CatalogueEntry['providers'][number] & { readonly repository: string })[];
  /**
   * Advisories about these packages, the newest first. `inImage`: whether the image has the update; absent when it has none of the packages, or no
   * lock says. All absent: the repositories of this ecosystem publish none, or they cannot be read.
   */
  readonly advisories?: readonly (Advisory & { readonly inImage?: boolean })[];
}

/** The document of `ict graph --json`. */
export interface GraphDocument {
  readonly schemaVersion: 1;
  readonly target: string;
  /** True when edges that other ways imply were left out. */
  readonly reduced: boolean;
  readonly packages: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly arch: string;
    readonly sizeBytes: number;
    readonly requestedBy: readonly string[];
  }[];
  readonly edges: readonly GraphEdge[];
  /** The same as a DOT digraph. */
  readonly dot: string;
}
