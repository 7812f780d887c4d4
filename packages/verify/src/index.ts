export { createVerifier, type VerifierOptions } from './verifier.js';
export { createLocalVerifier } from './local-verifier.js';
export type { PieceVerifier } from './task-verifier.js';
export { checkClearsigned, checkSignature, SIGNATURE_POLICY, type SignatureCheck } from './signature.js';
export { parseKeyring, type KeyMaterial, type Keyring } from './keyring.js';
export { verifyError } from './errors.js';
