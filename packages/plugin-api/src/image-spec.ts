import type { SourcePosition } from './errors.js';
import type { Architecture } from './distribution.js';

/** What a template asks for, after merging and with its units read. Every value is final; formats and the engine read only this. */
export interface ImageSpec {
  /** The template's own file, for messages. */
  readonly file: string;
  readonly image: { readonly name: string; readonly version: string };
  readonly target: { readonly os: string; readonly dist: string; readonly arch: Architecture; readonly imageType: string };
  readonly disk: DiskSpec;
  readonly system: SystemSpec;
  readonly repositories: readonly TemplateRepository[];
  /** Where each value came from, by path (`systemConfig.packages[3]`). */
  readonly positions: ReadonlyMap<string, SourcePosition>;
}

export type ArtifactType = 'raw' | 'qcow2' | 'vhd' | 'vhdx' | 'vmdk' | 'vdi' | 'tar';
export type Compression = 'gz' | 'xz' | 'zstd' | 'bz2';

export interface ArtifactSpec {
  readonly type: ArtifactType;
  readonly compression?: Compression;
}

export interface DiskSpec {
  readonly name: string;
  readonly sizeBytes: number;
  readonly partitionTable: 'gpt' | 'mbr';
  readonly artifacts: readonly ArtifactSpec[];
  readonly partitions: readonly PartitionSpec[];
}

export interface PartitionSpec {
  readonly id: string;
  readonly name: string;
  /** A name (`esp`, `linux-root-amd64`) or, with `typeUuid`, free text. */
  readonly type: string;
  readonly typeUuid?: string;
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
  readonly kernel: KernelSpec;
  readonly bootloader: { readonly bootType: 'efi' | 'legacy'; readonly provider: 'grub' | 'systemd-boot' };
  readonly users: readonly UserSpec[];
  readonly files: readonly FileSpec[];
  /** Commands for the tree's own shell, in order. */
  readonly configurations: readonly { readonly command: string; readonly position?: SourcePosition }[];
}

export interface RequestedPackage {
  /** As written: `name`, `name=version`, `name/suite`. */
  readonly name: string;
  readonly position?: SourcePosition;
}

export interface KernelSpec {
  /** A wish: when it is not to be had, a warning names the version taken. */
  readonly version?: string;
  readonly cmdline: string;
  readonly packages: readonly RequestedPackage[];
}

export interface UserSpec {
  readonly name: string;
  /** A crypt(3) hash, ready for /etc/shadow; undefined locks the password. */
  readonly passwordHash?: string;
  readonly groups: readonly string[];
  readonly sudo: boolean;
  readonly home?: string;
  readonly shell?: string;
  readonly passwordMaxAgeDays?: number;
  readonly sshKeys: readonly string[];
}

export interface FileSpec {
  /** Absolute path on the host. */
  readonly source: string;
  /** Absolute path in the tree. */
  readonly target: string;
  readonly mode?: number;
  readonly owner?: string;
  readonly group?: string;
  readonly position?: SourcePosition;
}

export interface TemplateRepository {
  readonly codename: string;
  readonly url: string;
  readonly components: readonly string[];
  readonly keys: readonly string[];
  readonly priority?: number;
  readonly allowPackages: readonly string[];
  readonly position?: SourcePosition;
}
