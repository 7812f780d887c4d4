import type { ArtifactSpec, ImageSpec } from './image-spec.js';
import type { BlobRef, BuildContext } from './context.js';
import type { DistributionDefinition } from './distribution.js';
import type { Digest } from './digest.js';
import type { ProblemReport, SourcePosition } from './errors.js';
import type { InstalledPackage, PinnedRepository, ResolvedPackage } from './packages.js';
import type { Json } from './json.js';
import type { TreeRef, TreeSession } from './tree.js';

/** Code of problems that are no mistake of a template: it is right, but cannot be built yet. */
export const UNSUPPORTED_YET = 'ICT_UNSUPPORTED_YET';

/** What a format is given to make files of. */
export interface ImageInput {
  readonly spec: ImageSpec;
  readonly distribution: DistributionDefinition;
  readonly tree: TreeRef;
  /** Names the packages of the lock and what was asked for: the seed of every UUID and hash seed of the image. */
  readonly seed: Digest;
}

/** A package that a format needs in its image, for something other than the boot loader. */
export interface RequiredPackage {
  readonly name: string;
  /** What asks for it, as in `Seed`: `growth`, `immutability`. */
  readonly reason: string;
  /** Line of the template that asks for it. */
  readonly position?: SourcePosition;
}

/** A finished file of an image. */
export interface FormatArtifact {
  /** What was asked for. Absent: a file that goes with the others, such as the kernel of an initrd. */
  readonly spec?: ArtifactSpec;
  /** `raw`, `raw.gz`, `qcow2`, `vmlinuz`: what follows the image's name. */
  readonly extension: string;
  readonly blob: BlobRef;
}

/** Runs a cached step of a format: hit, or run and store. */
export interface StepRunner {
  /**
   * @param unmade gives what stands for the result where a plan follows the build and this code never ran the step: plain data of the same
   *   form, with this digest for that of its file. Never stored. Without it, such a plan says nothing of the steps after this one.
   * @param accepts tells whether data is such a result: one that is stored, or that another machine made and signed, and is none counts as missing.
   *   Layers and blobs in it are sound, and there. Without it, whatever else is in it is taken.
   */
  step<Out extends Json>(
    type: string,
    version: number,
    key: Json,
    run: () => Promise<Out>,
    unmade?: (digest: Digest) => Out,
    accepts?: (output: Json) => boolean,
  ): Promise<Out>;
}

/** Turns a tree into image files: disks, an initrd, an archive. */
export interface ImageFormat {
  /** Image types (`target.imageType`) that it makes. */
  readonly imageTypes: readonly string[];
  /**
   * What it cannot make of this template, at its place; asked before any download. The code {@link UNSUPPORTED_YET} is for what is right but
   * cannot be made yet, or not of this distribution: validation warns of it, a build refuses. Every other error makes the template invalid.
   * Also asked about a template with mistakes, so that all are told at once: what is wrong already has its nearest sound value, or NaN.
   */
  check(spec: ImageSpec, distribution: DistributionDefinition): readonly ProblemReport[];
  /** False: the image starts without an initrd in its tree, and none is made there. Absent: the distribution's is made for each kernel. */
  readonly needsInitrd?: boolean;
  /** Kernel modules that an initrd which mounts the root needs beside those that it has by itself. Absent: none. */
  initrdModules?(spec: ImageSpec): readonly string[];
  /** Packages that the image needs: those of its boot loader by their names alone, others with what asks for them. */
  requires(spec: ImageSpec, distribution: DistributionDefinition): readonly (string | RequiredPackage)[];
  /** Capabilities of the tools tree that it uses for this template: `ext` (mke2fs), `erofs`, `convert`, `grub-efi`. Where there are any, they are unpacked first. */
  tools(spec: ImageSpec): readonly string[];
  /** Writes what the format adds to the root tree: fstab, loader configuration. Runs before `build`. */
  prepare(input: Omit<ImageInput, 'tree'>, tree: TreeSession): Promise<void>;
  /** Part of the key of `prepare`: bumped when it writes something else for equal input. */
  readonly version: number;
  /**
   * What `prepare` reads of its input, as plain data: the other part of its key. Without it that is all of the disk, the image's name and version,
   * the target, and what the template and the definition say of starting, so that a change of any of them runs the template's commands again.
   */
  prepareKey?(input: Omit<ImageInput, 'tree'>): Json;
  /**
   * @returns one artifact for each of `spec.disk.artifacts`, in their order, or of the format's own choice when there are none; then what goes
   *   with them.
   */
  build(input: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]>;
}

/** What an exporter is told of a finished build. */
export interface BillInput {
  readonly spec: ImageSpec;
  readonly distribution: DistributionDefinition;
  /** As the tree's own database has them. */
  readonly installed: readonly (InstalledPackage & { readonly purl: string })[];
  readonly packages: readonly ResolvedPackage[];
  readonly repositories: readonly PinnedRepository[];
  readonly artifacts: readonly { readonly name: string; readonly digest: Digest; readonly sizeBytes: number }[];
  readonly epochSeconds: number;
  /** Names the lock. */
  readonly seed: Digest;
  /** Name and version of the tool. */
  readonly creator: string;
}

/** Writes a document about a build, beside the image. */
export interface Exporter {
  readonly name: string;
  /** What follows the image's name: `spdx.json`, `manifest.json`. */
  readonly extension: string;
  export(input: BillInput): Uint8Array;
}
