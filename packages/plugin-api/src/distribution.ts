import type { TreePath } from './tree.js';

/** Architectures, in our own names; each provider maps them to its own (`amd64`). */
export type Architecture = 'x86_64' | 'aarch64' | 'armv7hl';

/** Gives some packages a priority of their own, wherever they come from; the first that fits counts. See apt_preferences(5). */
export interface PackagePin {
  /** Names of packages; `*`, `?` and `[...]` stand for characters. `*` alone is what counts where no other pin fits. */
  readonly packages: readonly string[];
  /** Only in these versions, a pattern. Absent: in any. */
  readonly version?: string;
  /** Only of repositories of this suite, codename, version or id. Absent: of any. */
  readonly release?: string;
  /** Only of repositories whose signed root says that it is of this origin. Absent: of any. */
  readonly origin?: string;
  /** In place of that of the repository: the higher wins over a higher version; below 0 is never taken. */
  readonly priority: number;
}

/** One package repository of a distribution definition or a template. */
export interface RepositorySpec {
  /** Unique in a build, for example `debian-trixie`; lock files and errors name it. */
  readonly id: string;
  /** The archive's public address; a mirror may stand in for it. No trailing slash. */
  readonly archive: string;
  /** What locks and documents call the archive, where that is a directory which a template names from its own: `./repository`. Absent: its address. */
  readonly recordedAs?: string;
  /** deb: suite (`trixie`), or a path that ends in `/` for a flat repository. rpm: empty. */
  readonly suite: string;
  readonly components: readonly string[];
  /** Absolute paths of OpenPGP keyrings, binary or armoured, of which one key must have signed the repository. */
  readonly keyrings: readonly string[];
  /** What the signed root must say of itself; a mirror that says otherwise is refused. */
  readonly expect?: { readonly origin?: string; readonly label?: string; readonly codename?: string };
  /** Preference; higher wins over a higher version. Absent: the ecosystem's ordinary one. */
  readonly priority?: number;
  /** Priorities of single packages, of which those count that concern this repository. Absent: all have that of the repository. */
  readonly pins?: readonly PackagePin[];
  /** The only packages that are taken from it; `*` stands for any characters. Absent or empty: all. */
  readonly allowPackages?: readonly string[];
  /** Packages that are never taken from it, also those that `allowPackages` names. */
  readonly excludePackages?: readonly string[];
  /**
   * Architectures whose packages are read beside those of the image's own, in the ecosystem's names (`i386`), the preferred one first. A
   * repository that has none of them is read without.
   */
  readonly foreignArchitectures?: readonly string[];
  /** rpm: of equal packages, those of the repository with the lowest cost are taken. Default 1000. */
  readonly cost?: number;
  /** Fingerprints, hex, of the only primary keys of the keyrings that count. Absent: all of them. */
  readonly fingerprints?: readonly string[];
  /** rpm: false for a repository that signs its packages and not its metadata. Default true. */
  readonly repoGpgCheck?: boolean;
  /** rpm: false for a repository that signs its metadata and not its packages. Default true. */
  readonly gpgCheck?: boolean;
  /** rpm: modules hide none of its packages. Default false. */
  readonly moduleHotfixes?: boolean;
  /** rpm: address of a metalink, which lists mirrors and says what repomd.xml must be. Tried before the archive itself. */
  readonly metalink?: string;
  /** rpm: address of a list of mirrors, one a line. Tried before the archive itself. At most one of both. */
  readonly mirrorlist?: string;
  /** rpm: accept signatures by DSA, short RSA, MD5, SHA-1 and RIPEMD-160, which can be forged: for archives of the past only. */
  readonly legacyCrypto?: boolean;
}

/** A command run inside the root tree, as an argv; `${kernelVersion}`-like names are listed at each use. */
export type TreeArgv = readonly string[];

/**
 * Which changes of a tree do not reach an initrd. Paths are globs of Node's `path.matchesGlob`. What is in none of these lists counts as
 * read.
 */
export interface InitrdScope {
  /** Files and directories of the maker's own: what their text names counts as read, whatever the lists below say. */
  readonly maker: readonly TreePath[];
  /** Nothing there is read, unless the maker names the place. */
  readonly unread: readonly string[];
  /** There a file is read by its name alone: a new one changes nothing, unless the maker names it. */
  readonly readByName: readonly string[];
  /** Files of which only a UUID may change. */
  readonly uuidsApart: readonly TreePath[];
}

/** Where a distribution keeps its kernel, initrd and boot loaders, and how it makes an initrd: data, so that formats need not know. */
export interface BootDefinition {
  /** Absolute path of kernel images in the tree with one `*`, which matches the kernel version. Example: `/boot/vmlinuz-*`. */
  readonly kernel: string;
  /** Path of the initrd for `${kernelVersion}`. Example: `/boot/initrd.img-${kernelVersion}`. */
  readonly initrd: string;
  /** Makes the initrd; `${kernelVersion}` and `${output}` are replaced in each argument. */
  readonly makeInitrd: TreeArgv;
  /** When an initrd of another tree is as good as a new one. Absent: every changed tree gets its own. */
  readonly initrdScope?: InitrdScope;
  /** Environment that keeps maintainer scripts from making the initrd themselves. */
  readonly withoutInitrd?: Readonly<Record<string, string>>;
  /** Links made beside the kernel, path to target; `${kernelVersion}` is replaced. */
  readonly links?: Readonly<Record<string, string>>;
  /**
   * Packages that bring `sfdisk`, `partx` and `resize2fs`, as far as not every image has them: by these a system enlarges its root when it
   * starts; for a btrfs or an xfs systemd has what `resize2fs` does. Images that grow get them. Absent: none of this distribution grows.
   */
  readonly growthPackages?: readonly string[];
  /**
   * Packages that bring what an initrd opens a verified root with: `veritysetup` for initramfs-tools, `systemd-veritysetup` and `dmsetup` for
   * dracut. Immutable images get them. Absent: none of this distribution is immutable.
   */
  readonly verityPackages?: readonly string[];
  /** Files of boot loaders in the tree, by provider. */
  readonly loaders: Readonly<Partial<Record<'systemd-boot', SystemdBootDefinition>>>;
}

/** Where systemd-boot is in a tree, and the package that brings its files. */
export interface SystemdBootDefinition {
  readonly efi: string;
  /** What unified kernel images begin with. Absent: none are made for this distribution. */
  readonly stub?: string;
  readonly package: string;
}

/** Packages of the tools tree that bring the programs which shape an image's bytes. */
export interface ToolsDefinition {
  /** By capability: `ext`, `erofs`, `squashfs`, `convert`, `xz`, `bz2`, `grub-efi`, `grub-bios`. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  /** What those of `grub-efi` and `grub-bios` call GRUB. Absent: as its authors do. */
  readonly grub?: GrubNames;
}

/** What distributions that name GRUB otherwise call it. */
export interface GrubNames {
  /** The program that makes its image: `grub2-mkimage`. */
  readonly mkimage: string;
  /** Directory with one of modules for each platform: `/usr/lib/grub`, which has `x86_64-efi` and `i386-pc`. */
  readonly modules: string;
}

/** A distribution as a provider ships it (`distros/*.yml`): data only, no code. */
export interface DistributionDefinition {
  readonly apiVersion: 1;
  /** Package ecosystem of the provider that handles it: `deb`, `rpm`. */
  readonly ecosystem: string;
  readonly os: string;
  readonly dist: string;
  readonly title: string;
  readonly architectures: readonly Architecture[];
  /** What is called otherwise on each architecture, by name; `${NAME}` in any text stands for it. Absent in what plugins are given. */
  readonly byArchitecture?: Readonly<Partial<Record<Architecture, Readonly<Record<string, string>>>>>;
  readonly repositories: readonly RepositorySpec[];
  /** Packages of the base tree beside those that the archive itself marks as essential. */
  readonly essential: {
    /** Priorities that belong to the base tree: deb `required`, and so on. */
    readonly priorities: readonly string[];
    readonly packages: readonly string[];
  };
  readonly boot: BootDefinition;
  readonly tools: ToolsDefinition;
  /** Per image type, what a template gets when it says nothing; same language as a template, not yet merged. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** The disk of a template that describes none and asks for an immutable root, in the language of templates. Absent: that of `defaults`. */
  readonly immutable?: { readonly disk: unknown };
  /** Facts of this ecosystem that only its provider reads. */
  readonly quirks?: Readonly<Record<string, unknown>>;
}

/** `{os}-{dist}-{arch}`, for example `debian-debian13-x86_64`: names cache and work directories. */
export type ProviderId = string & { readonly __brand: 'ProviderId' };
