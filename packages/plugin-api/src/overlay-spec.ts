/** The image that an image is made on top of. */
export interface BaselineSpec {
  readonly mode: 'create' | 'overlay';
  readonly source?: {
    /** Absolute path on the host. */
    readonly path?: string;
    readonly url?: string;
    readonly format: 'raw' | 'qcow2' | 'vhd' | 'vhdx';
    /** Absolute path of its bill of materials on the host. */
    readonly sbomPath?: string;
  };
}

/** What may change in the image below. */
export interface OverlayPolicySpec {
  readonly packageOperation?: 'additive-only' | 'additive-and-upgrade';
  readonly conflictPolicy?: 'fail' | 'allow-explicit';
  readonly kernelCmdline?: string;
  readonly grubDefault?: string;
  readonly allowDiskResize: boolean;
  readonly allowPackageRemoval: boolean;
  /** Package that brings the kernel which takes the place of the one below. */
  readonly replaceKernel?: { readonly package: string };
}
