import type { SettingTexts, UnitTexts } from './use-setting-text.ts'

export const settingTexts: SettingTexts = {
  app_url:
    'プロキシの公開ベース URL。エンドポイントとスニペットに表示されます。空の場合はホストとポートから決まります。',
  request_log_retention_days: 'これより古いリクエストログは削除されます。0 で無期限に保持します。',
  audit_retention_days: 'これより古い監査ログは削除されます。0 で無期限に保持します。',
  request_log_write_interval_minutes:
    'ログの行が現れるまでの上限。通常は数秒で現れます。スクリプトとの互換のために残しています。',
  request_log_sample_percent:
    '一度で成功したリクエストのうち、行として残す割合。残りは統計にのみ数えます。失敗や再試行は常に残します。',
  enable_request_body_logging:
    '呼び出し元が送った内容を、秘匿化してから専用のテーブルに記録します。URL のグループの値に従います。テキストでないボディは種類だけを残します。',
  enable_response_body_logging: '呼び出し元への応答を、ストリームも含めて同じように記録します。',
  content_log_max_bytes: '1 つのボディについて記録する最大バイト数。残りは切り捨てます。',
  content_redaction_rules:
    '記録するボディから取り除くもの。1 行に 1 ルール：api_key、card、email、またはスラッシュで囲んだ正規表現：/customer-\\d+/i。そのリクエストのキーとアクセスキーは必ず取り除きます。',
  content_log_retention_days: '記録したボディのうち、これより古いものは削除されます。0 で無期限に保持します。',
  request_timeout: 'ストリームでない 1 回の試行全体の上限（ボディを含む）。',
  connect_timeout: 'アップストリームへの TCP 接続と TLS ハンドシェイクの上限。',
  idle_conn_timeout: 'プール内の遊休アップストリーム接続は、この時間の後に閉じられます。',
  response_header_timeout: 'リクエスト送信からレスポンスヘッダーまでの上限。ストリームにも適用されます。',
  max_idle_conns: 'ワーカーごとに保持する遊休アップストリーム接続の総数。',
  max_idle_conns_per_host: 'ワーカーごと、アップストリームごとに保持する遊休接続数。同時実行は制限しません。',
  proxy_url:
    '送信プロキシ：http、https、socks5（認証情報可）。空の場合は HTTP_PROXY、HTTPS_PROXY、NO_PROXY を使います。',
  max_retries: '最初の試行の後に行う試行の回数。',
  preamble_hold_bytes:
    '最初の実質的なイベントまで保留するイベントストリームの最大バイト数。それ以前のエラーは別のキーに切り替えます。0 で無効。',
  preamble_hold_ms: 'そのようなストリームの先頭を保留する最長時間。過ぎるとそのまま流します。',
  max_concurrent_requests: 'エッジごとに、このグループで同時に処理するリクエスト数。0 で無制限。',
  max_requests_per_minute:
    '全エッジを通した、URL のグループの 60 秒間のリクエスト数。各エッジは需要に応じた分を受け持ち、超えた分には 429 を返します。0 で無制限。',
  max_tokens_per_minute:
    '全エッジを通した、URL のグループの 60 秒間のトークン数。各エッジは需要に応じた分を受け持ち、リクエストの終了時に数えます。0 で無制限。',
  max_waiting_requests: 'ワーカーごとに空きを待てるリクエスト数。超えた分は直ちに拒否します。0 で待機なし。',
  max_wait_ms: 'リクエストが空きを待つ最長時間。',
  websocket_idle_timeout_ms: '双方向ともこの時間だけ無通信の WebSocket は終了します。',
  stream_keepalive_ms:
    'イベントストリームがこの時間だけ沈黙すると、コメント（Anthropic では ping）を送り、途中のプロキシによる切断を防ぎます。0 で無効。',
  stream_error_event:
    'アップストリームがイベントストリームの途中で切れたとき、接続の切断の代わりに呼び出し側の形式のエラーイベントを送ります。',
  failover_status_codes: '別のキーで再試行するステータス。既定値は自動で、エラーの種類によって決まります。',
  blacklist_threshold: 'キー認証の失敗（key_auth）がこの回数続くと無効になります。0 で無効にしません。',
  key_validation_interval_minutes: '無効または疑わしいキーを再び検査するまでの間隔。',
  key_validation_mode:
    'キーの検査方法。chat はテストモデルに 1 トークンを求め、models はモデル一覧を読み、off は人が求めたときだけ（chat として）検査します。',
  key_validation_rate_per_minute: '1 グループあたり 1 分間の定期検査の上限。',
  key_validation_concurrency: '1 グループで同時に行う定期検査の数。',
  key_validation_timeout_seconds: '1 回の検査のタイムアウト。',
  first_byte_timeout_ms: 'リクエスト送信からレスポンスボディの最初の 1 バイトまでの上限。',
  stream_idle_timeout_ms: 'レスポンス中の沈黙の上限。長いストリームに他の上限はありません。',
  retry_deadline_ms: 'リクエストの到着からこの時間を過ぎると新しい試行を始めません。0 では再試行しません。',
  key_rotation:
    'キーの順番の決め方。順繰り、このエッジで処理中のリクエストが最も少ないもの、またはキーの重みに応じて。',
  learn_key_quotas: '各キーの現在の残り枠をレスポンスから読み取り、使い切ったキーは 429 を返す前に後回しにします。',
  max_concurrent_requests_per_key:
    '全エッジを通した 1 キーの処理中リクエスト数。各エッジが等分し、最低 1 を持ちます。0 で無制限。',
  max_requests_per_minute_per_key:
    '全エッジを通した 1 キーの 60 秒間のリクエスト数。各エッジが等分します。0 で無制限。',
  max_tokens_per_minute_per_key:
    '全エッジを通した 1 キーの 60 秒間のトークン数。各エッジが等分し、リクエストの終了時に数えます。0 で無制限。',
  keys_share_organization:
    'すべてのキーがプロバイダーの同じ組織に属します。ファイル、バッチ、保存済みレスポンスなどはどのキーからも見えるため、そのリクエストも通常どおり順番に回します。',
  resource_key_ttl_hours:
    'どのキーがファイル、バッチ、保存済みレスポンスを作ったかを覚えておく時間。どのエッジも同じキーで問い合わせます。0 では学習せず、アクセスキーだけで決めます。',
  key_affinity:
    'プロンプトキャッシュのため、同じセッションのリクエストを同じキーに送ります（key_affinity_header、prompt_cache_key、metadata.user_id により、アクセスキーごと）。prompt ではプロンプトの冒頭も見ます。混雑中、制限中、枠切れのキーは飛ばします。',
  key_affinity_header: 'セッションを示すリクエストヘッダー。ボディの内容より優先されます。空でなし。',
  key_affinity_prefix_bytes: 'プロンプトの先頭の何バイトが同じなら同類とみなすか。',
  key_affinity_max_requests:
    'このエッジでキーの処理中リクエストがこの数を超えると、そのキーに属するセッションは順番に回ります。',
  max_keys_per_request: '1 つのリクエストが試せる異なるキーの数。',
  key_wait_ms:
    'すべてのキーが一時的に使えないとき、最初に戻るキーを待つ時間。0 では直ちに 429 と Retry-After を返します。',
  max_key_waiting_requests: 'ワーカーごとに、このグループでキーを待てるリクエスト数。超えた分は直ちに 429 を返します。',
  replay_buffer_bytes: 'この大きさまでのリクエストボディは再送できます。大きいものは再試行なしで流れます。',
  max_body_bytes:
    'ルールが書き換えられるリクエストボディの最大値。超えると 413。書き換えないボディには適用されません。',
  rate_limit_cooldown_ms: 'アップストリームが時間を示さないとき、レート制限されたキーを休ませる時間。',
  quota_cooldown_ms: 'アップストリームがリセット時刻を示さないとき、枠切れのキーを外す時間。',
  max_cooldown_ms: 'アップストリームが示す期限はこの値で切り詰めます。',
  error_rules:
    'エラーがキーについて何を意味するか。1 行に 1 ルール：[observe] STATUS [CODE] -> ignore | count | cool | exhaust | invalidate [FOR] [retry | no-retry]。最初に一致したものが、プロバイダーについての既知の判断に優先します。',
  upstream_failure_threshold:
    '続けてこの回数失敗した（接続不可、タイムアウト、自身のエラー）アップストリームは、他がある間は避けられます。0 で避けません。',
  upstream_error_rate_percent: '10 秒間の 20 以上の応答のうち、この割合が失敗した場合も同様です。0 で避けません。',
  upstream_open_ms: '避けてから 1 つのリクエストが試すまでの時間。試行が失敗するたびに倍になり、最長 5 分です。',
  upstream_storm_keys:
    'この数の異なるキー（小さなプールでは半数、最低 4 個）が 1 秒以内に制限され、それが応答の大半を占める場合、キーではなくアップストリーム側の制限とみなします。アップストリームを避け、キーはそのまま残します。グループに正常なアップストリームがほかにある場合のみ。0 = 判定しない。',
  upstream_check_path:
    'リクエストの有無にかかわらず、各アップストリームのホストのルートからこのパスを認証情報なしで GET します。5 秒以内に応答がない、または 500 以上なら失敗として数えます。それ以外の応答なら、避けられているアップストリームを次のリクエストがすぐに試します。空なら確認しません。',
  upstream_check_interval_ms: '各エッジが確認する間隔。',
  join_v1:
    '/v1 を 1 回だけつなぎます。ベース URL が /v1 で終わりパスもそれで始まる場合は重複を除き、既知のパスに欠けていれば補います。',
  forward_client_headers: 'クライアントの Cookie、Forwarded、X-Forwarded-* をアップストリームへ渡します。',
  auth_key_opens_proxy:
    'GPT-Load と同じく、環境変数 AUTH_KEY を全グループのアクセスキーとして受け付けます。それを持つ呼び出し側はすべて管理者です。',
}

export const unitTexts: UnitTexts = {
  '%': '%',
  attempts: '回',
  bytes: 'バイト',
  connections: '接続',
  days: '日',
  failures: '回失敗',
  h: '時間',
  keys: 'キー',
  minutes: '分',
  ms: 'ミリ秒',
  probes: 'プローブ',
  'probes/min': 'プローブ/分',
  requests: 'リクエスト',
  'requests/min': 'リクエスト/分',
  s: '秒',
  'tokens/min': 'トークン/分',
}
