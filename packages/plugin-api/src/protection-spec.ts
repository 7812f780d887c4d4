/** A root filesystem that is read-only and verified. */
export interface ImmutabilitySpec {
  /** Files that sign what the firmware starts, absolute paths on the host. */
  readonly signing?: {
    /** Private key. */
    readonly key: string;
    /** Its certificate, PEM. */
    readonly certificatePem: string;
    /** The same, DER. */
    readonly certificateDer: string;
  };
}

/** Partitions that are encrypted (LUKS). */
export interface EncryptionSpec {
  /** Absolute path on the host; what it holds is secret. */
  readonly passphraseFile?: string;
  /** `id` of partitions. */
  readonly partitions: readonly string[];
  /** Whether the system unlocks itself when it starts. */
  readonly unlock?: 'auto' | 'manual';
}
