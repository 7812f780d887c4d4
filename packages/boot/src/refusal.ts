/**
 * What OVMF and AAVMF, or a loader that they have started (systemd-boot, shim), say of a program whose signature Secure Boot does not take. What lies
 * in the firmware itself (`Fv`) is not of the image: its shell is always refused.
 */
const REFUSAL =
  /^(?:BdsDxe: failed to (?:load|start) (?!.* from Fv\().*|.*Error loading .*|Verification failed: .*)(?:Access denied|Security violation).*$/imu;

/** What OVMF and AAVMF say when nothing is left that they could start; then they wait for somebody at the console. */
export const NOTHING_LEFT = 'No bootable option or device was found';

/** The line of a console, on which no kernel has spoken yet, that says that Secure Boot has refused a program; undefined where none does. */
export function findRefusal(console: string): string | undefined {
  return REFUSAL.exec(console)?.[0].trim();
}
