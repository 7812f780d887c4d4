import { findFirmware, type FirmwareNeeds, type Machine } from '@ict/boot';
import { hasCode, isIctError } from '@ict/plugin-api';
import { check, installCommand, type HostCheck } from '@ict/sandbox';

/** Whether `ict boot --secure-boot` finds firmware, and keys in it: only some images need that. @param descriptors default: those of the host. */
export async function secureBootCheck(machine: Machine, descriptors?: FirmwareNeeds['descriptors']): Promise<HostCheck> {
  const told = (ok: boolean, detail: string, remedy = ''): HostCheck => ({ ...check('secure boot', ok, detail, remedy), required: false });
  try {
    const { code, variables } = await findFirmware(machine, { secureBoot: true, ...(descriptors === undefined ? {} : { descriptors }) });
    return told(true, `${code}, with the keys of ${variables}`);
  } catch (error) {
    if (!isIctError(error) || !hasCode(error, 'ICT_BOOT_NO_FIRMWARE')) throw error;
    const { package: name } = error.facts;
    return told(false, error.message, typeof name === 'string' ? installCommand(name) : error.hint);
  }
}
