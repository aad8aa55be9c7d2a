import { RequestAccount as RecordingAccount } from '@gpt-load/proxy-edge/data-plane/observe/request-account'

/** Counts requests as ever and makes no records of them. */
export class RequestAccount extends RecordingAccount {
  override record(): boolean {
    return true
  }
}
