/** A root filesystem that is read-only and verified. */
export interface ImmutabilitySpec {
  /** `id` of the partition that the hashes of the root go to. Absent: the disk has none, or the image has no disk. */
  readonly hashPartition?: string;
}

/** What signs the programs that firmware starts, so that Secure Boot takes them. */
export interface SecureBootSpec {
  /** Private key, PEM or DER without a passphrase: absolute path on the host. What it holds is secret, and no part of any key of a step. */
  readonly keyFile: string;
  /** Its certificate, DER in base64. Empty while the template names none that can be read; then nothing is built. */
  readonly certificate: string;
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
