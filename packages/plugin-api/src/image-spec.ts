import type { SourcePosition } from './errors.js';
import type { Json } from './json.js';
import type { Architecture, PackagePin } from './distribution.js';
import type { FileChoice } from './file-choice.js';
import type { BaselineSpec, OverlayPolicySpec } from './overlay-spec.js';
import type { EncryptionSpec, ImmutabilitySpec, SecureBootSpec } from './protection-spec.js';

/** What a template asks for, after merging and with its units read. Every value is final; formats and the engine read only this. */
export interface ImageSpec {
  /** The template's own file, for messages. */
  readonly file: string;
  readonly image: { readonly name: string; readonly version: string };
  /** What the template says of itself; shapes nothing. */
  readonly metadata?: MetadataSpec;
  readonly target: {
    readonly os: string;
    readonly dist: string;
    readonly arch: Architecture;
    readonly imageType: string;
    /** Architectures of packages beside `arch`, in the ecosystem's names. Absent: none. */
    readonly foreignArchitectures?: readonly string[];
  };
  readonly disk: DiskSpec;
  readonly system: SystemSpec;
  readonly repositories: readonly TemplateRepository[];
  /** Priorities of single packages, the first that fits counts. Absent: none. */
  readonly pins?: readonly PackagePin[];
  /** Layers on top of the configured system, in order. */
  readonly layers: readonly LayerSpec[];
  /** What the template says to plugins, by the name of the plugin; see `sectionOf`. */
  readonly sections?: Readonly<Record<string, Json>>;
  /** Absent: the image is made from scratch. */
  readonly baseline?: BaselineSpec;
  readonly overlayPolicy?: OverlayPolicySpec;
  /** Caches that the template wants to use. */
  readonly caches: { readonly packages: boolean; readonly images: boolean };
  /** Lock file that the template names, absolute. */
  readonly lockFile?: string;
  /** Texts that may be shown nowhere, and stand in no cache key but as a salted digest: passwords, values of secret variables. */
  readonly secrets: readonly string[];
  /** Where each value came from, by path (`systemConfig.packages[3]`). */
  readonly positions: ReadonlyMap<string, SourcePosition>;
}

/** What an image is for, in words. */
export interface MetadataSpec {
  readonly description?: string;
  readonly useCases: readonly string[];
  readonly keywords: readonly string[];
}

export type ArtifactType = 'raw' | 'qcow2' | 'vhd' | 'vhdx' | 'vmdk' | 'vdi' | 'tar' | 'cpio' | 'iso';
export type Compression = 'gz' | 'xz' | 'zstd' | 'bz2';

export interface ArtifactSpec {
  readonly type: ArtifactType;
  readonly compression?: Compression;
}

export interface DiskSpec {
  readonly name: string;
  readonly sizeBytes: number;
  readonly partitionTable: 'gpt' | 'mbr';
  /** None: the usual one of the image type. */
  readonly artifacts: readonly ArtifactSpec[];
  readonly partitions: readonly PartitionSpec[];
  /** The last partition and its filesystem take what the real disk has behind it when the system starts. */
  readonly growLastPartition?: boolean;
  /** Device that an installer writes to. */
  readonly device?: string;
  /** How an installer chooses a disk. */
  readonly selectionPolicy?: DiskSelectionSpec;
}

export interface DiskSelectionSpec {
  readonly strategy?: 'first' | 'largest' | 'fastest';
  readonly excludeRemovable: boolean;
  readonly requireEmpty: boolean;
}

export interface PartitionSpec {
  readonly id: string;
  readonly name: string;
  /** A name (`esp`, `linux-root-amd64`) or, with `typeUuid`, free text. */
  readonly type: string;
  readonly typeUuid?: string;
  /** Number in the partition table that the template gives. Absent: its place in the list. */
  readonly index?: number;
  readonly filesystem:
    | 'fat32'
    | 'fat16'
    | 'vfat'
    | 'ext2'
    | 'ext3'
    | 'ext4'
    | 'xfs'
    | 'btrfs'
    | 'erofs'
    | 'squashfs'
    | 'linux-swap'
    | 'none';
  readonly label?: string;
  readonly startBytes: number;
  /** Exclusive end; undefined for "the rest of the disk". */
  readonly endBytes?: number;
  readonly mountPoint?: string;
  readonly mountOptions?: string;
  readonly flags: readonly string[];
}

export interface SystemSpec {
  readonly name: string;
  readonly description?: string;
  readonly hostname?: string;
  readonly packages: readonly RequestedPackage[];
  readonly recommends: boolean;
  /** Which files of packages are installed. Absent: all. */
  readonly fileChoice?: FileChoice;
  readonly kernel: KernelSpec;
  /** Where the initrd comes from, if not from the image's own programs. */
  readonly initramfs?: { /** Absolute path of the template that it is composed from. */ readonly template: string };
  readonly bootloader: { readonly bootType: 'efi' | 'legacy'; readonly provider: 'grub' | 'systemd-boot' };
  /** Absent: switched off. */
  readonly immutability?: ImmutabilitySpec;
  /** Absent: nothing is signed. */
  readonly secureBoot?: SecureBootSpec;
  /** Absent: switched off. */
  readonly encryption?: EncryptionSpec;
  readonly network?: NetworkSpec;
  readonly users: readonly UserSpec[];
  readonly files: readonly FileSpec[];
  /** Commands for the tree's own shell, in order. */
  readonly configurations: readonly { readonly command: string; readonly position?: SourcePosition }[];
}

export interface RequestedPackage {
  /** As written: `name`, `name=version`, `name/suite`. */
  readonly name: string;
  readonly position?: SourcePosition;
  /** The defaults of the distribution ask for it, whatever the template leaves out. */
  readonly byDefault?: true;
}

export interface KernelSpec {
  /** A wish: when it is not to be had, a warning names the version taken. */
  readonly version?: string;
  readonly cmdline: string;
  readonly packages: readonly RequestedPackage[];
  /** Modules that the initrd holds whether or not its maker thinks that they are needed. */
  readonly extraModules?: readonly string[];
  /** One file for kernel, initrd and command line. */
  readonly unifiedImage?: boolean;
}

/** Interfaces to configure, and what does it when the system starts. */
export interface NetworkSpec {
  readonly backend: 'netplan' | 'systemd-networkd';
  readonly interfaces: readonly InterfaceSpec[];
}

export interface InterfaceSpec {
  readonly name: string;
  readonly dhcp4: boolean;
  readonly dhcp6: boolean;
  /** With prefix length. */
  readonly addresses: readonly string[];
  /** `to`: `default`, or a network with prefix length. */
  readonly routes: readonly { readonly to: string; readonly via: string }[];
  readonly nameservers: readonly string[];
}

export interface UserSpec {
  readonly name: string;
  /** A crypt(3) hash, ready for /etc/shadow; undefined locks the password. */
  readonly passwordHash?: string;
  readonly groups: readonly string[];
  readonly sudo: boolean;
  readonly home?: string;
  readonly shell?: string;
  /** Program that a login starts in place of a shell. */
  readonly startupScript?: string;
  readonly passwordMaxAgeDays?: number;
  readonly sshKeys: readonly string[];
  readonly position?: SourcePosition;
}

export interface FileSpec {
  /** Absolute path on the host. */
  readonly source: string;
  /** Absolute path in the tree. */
  readonly target: string;
  /** When an overlay build copies it; other builds copy every file before the initrd is made. */
  readonly stage?: 'pre-initramfs';
  readonly mode?: number;
  readonly owner?: string;
  readonly group?: string;
  readonly position?: SourcePosition;
}

export interface TemplateRepository {
  readonly codename: string;
  /** Address; that of its `path`, where it has one. Absent: it consists of `packages`. */
  readonly url?: string;
  /** Directory on the host, absolute. */
  readonly path?: string;
  /** Its path from the directory of the template, where a template names it by a relative one: the same wherever they lie. */
  readonly recordedAs?: string;
  /** Package files that it consists of: addresses, or absolute paths on the host. */
  readonly packages?: readonly string[];
  /** Any TLS certificate will do. */
  readonly insecureSkipVerify?: boolean;
  readonly components: readonly string[];
  /** Keyrings: absolute paths, or addresses. */
  readonly keys: readonly string[];
  /** Fingerprints, upper-case hex, of the only primary keys of `keys` that count. Absent: all of files, none that is fetched. */
  readonly fingerprints?: readonly string[];
  readonly priority?: number;
  readonly allowPackages: readonly string[];
  readonly excludePackages: readonly string[];
  readonly position?: SourcePosition;
}

/** Shell text for the tree's own shell, or a program with its arguments. */
export type LayerCommand = string | readonly string[];

/** What a layer is for: part of the image; visible to the layers after it; kept for the next time that it has to be made. */
export interface LayerTypes {
  readonly launch: boolean;
  readonly build: boolean;
  readonly cache: boolean;
}

/** Files that are copied, then commands that run, on top of the layers below. */
export interface LayerSpec {
  /** Unique; letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  readonly run: readonly LayerCommand[];
  readonly files: readonly FileSpec[];
  readonly types: LayerTypes;
  readonly env: Readonly<Record<string, string>>;
  readonly inputs: readonly LayerInput[];
  readonly cacheMounts: readonly CacheMountSpec[];
  readonly network: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly invalidateOn: { readonly packages: readonly string[]; readonly values: Readonly<Record<string, string>> };
  readonly validate?: LayerCommand;
  readonly position?: SourcePosition;
}

/** A file or directory of the host that a layer's commands may read. */
export interface LayerInput {
  /** Absolute path on the host. */
  readonly source: string;
  /** Its name in the directory where the commands see it; unique in a layer. */
  readonly name: string;
}

/** A directory that outlives builds. Its content is part neither of image nor key; of the key its target is. */
export interface CacheMountSpec {
  readonly id: string;
  /** Absolute path in the tree. */
  readonly target: string;
  readonly sharing: 'shared' | 'locked' | 'private';
}
