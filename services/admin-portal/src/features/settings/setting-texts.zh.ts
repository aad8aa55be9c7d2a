import type { SettingTexts, UnitTexts } from './use-setting-text.ts'

export const settingTexts: SettingTexts = {
  app_url: '代理的公开基础地址，用于端点和代码片段。留空：由主机和端口推导。',
  request_log_retention_days: '早于此期限的请求日志会被删除；0 表示永久保留。',
  audit_retention_days: '早于此期限的审计记录会被删除；0 表示永久保留。',
  request_log_write_interval_minutes: '日志最迟多久出现。此处通常几秒内即可看到；为兼容脚本而保留。',
  request_log_sample_percent: '一次即成功的请求中有多少比例写入日志行；其余仅计入统计。失败和重试过的请求始终写入。',
  enable_request_body_logging:
    '记录调用方发送的内容：脱敏后存入单独的表。以 URL 中的分组为准；非文本的内容只留下类型。',
  enable_response_body_logging: '以同样方式记录返回给调用方的内容，包括流。',
  content_log_max_bytes: '单个请求体或响应体最多记录的字节数；其余部分会被截断。',
  content_redaction_rules:
    '从记录内容中去除什么，每行一条规则：api_key、card、email，或斜杠之间的正则表达式：/customer-\\d+/i。请求所用的密钥和访问密钥始终会被去除。',
  content_log_retention_days: '早于此期限的记录内容会被删除；0 表示永久保留。',
  request_timeout: '单次非流式尝试的总时长上限，含响应体。',
  connect_timeout: '与上游建立 TCP 连接和 TLS 握手的上限。',
  idle_conn_timeout: '连接池中的空闲上游连接在此时间后关闭。',
  response_header_timeout: '从请求发出到收到响应头的上限，流式请求同样适用。',
  max_idle_conns: '每个工作线程保留的空闲上游连接总数。',
  max_idle_conns_per_host: '每个工作线程为每个上游保留的空闲连接数，不限制并发。',
  proxy_url: '出站代理：http、https 或 socks5，可带凭据。留空：使用 HTTP_PROXY、HTTPS_PROXY、NO_PROXY。',
  max_retries: '首次之后的尝试次数。',
  preamble_hold_bytes: '事件流在首个真正的事件之前最多暂存的字节数：此前出现错误则切换密钥重试。0 表示关闭。',
  preamble_hold_ms: '此类流的开头最长暂存时间，之后直接放行。',
  max_concurrent_requests: '每个边缘节点上该分组同时处理的请求数。0 表示不限。',
  max_requests_per_minute:
    'URL 中的分组六十秒内在所有边缘节点上的请求数：各节点按需求取得份额，超出的返回 429。0 表示不限。',
  max_tokens_per_minute:
    'URL 中的分组六十秒内在所有边缘节点上的 token 数：各节点按需求取得份额，请求结束时计入。0 表示不限。',
  max_waiting_requests: '每个工作线程允许排队的请求数，超出立即拒绝。0 表示不排队。',
  max_wait_ms: '请求排队的最长时间。',
  websocket_idle_timeout_ms: '双向静默超过此时间的 WebSocket 会被结束。',
  stream_keepalive_ms: '事件流静默超过此时间时发送注释（Anthropic：ping），避免被途中的代理切断。0 表示关闭。',
  stream_error_event: '上游在事件流中途断开时，以调用方协议的错误事件代替连接中断。',
  failover_status_codes: '会换用其他密钥重试的状态码。默认值表示自动：按错误类别决定。',
  blacklist_threshold: '密钥连续多少次认证失败（key_auth）后判为无效；0 表示从不。',
  key_validation_interval_minutes: '无效或可疑的密钥在此间隔后再次探测。',
  key_validation_mode:
    '密钥的探测方式：chat 让测试模型生成一个 token，models 读取模型列表，off 仅在有人要求时探测（按 chat）。',
  key_validation_rate_per_minute: '每个分组每分钟最多的定时探测次数。',
  key_validation_concurrency: '每个分组同时进行的定时探测数。',
  key_validation_timeout_seconds: '单次探测的超时。',
  first_byte_timeout_ms: '从请求发出到响应体首字节的上限。',
  stream_idle_timeout_ms: '响应中允许的最长静默时间。长流没有其他上限。',
  retry_deadline_ms: '请求到达后超过此时间不再发起新的尝试；0 表示不重试。',
  key_rotation: '密钥的轮换方式：依次轮换、选择本边缘节点上在途请求最少的、或按密钥权重。',
  learn_key_quotas: '从响应中读取每个密钥当前窗口的剩余额度，将用尽的密钥排到最后，避免其返回 429。',
  max_concurrent_requests_per_key: '单个密钥在所有边缘节点上的在途请求数：各节点均分，至少一个。0 表示不限。',
  max_requests_per_minute_per_key: '单个密钥六十秒内在所有边缘节点上的请求数：各节点均分。0 表示不限。',
  max_tokens_per_minute_per_key:
    '单个密钥六十秒内在所有边缘节点上的 token 数：各节点均分，请求结束时计入。0 表示不限。',
  keys_share_organization:
    '所有密钥属于提供商处的同一组织：文件、批处理、已存响应等对每个密钥都存在，此类请求照常轮换。',
  resource_key_ttl_hours:
    '记住哪个密钥创建了文件、批处理或已存响应的时长，使每个边缘节点都用同一密钥访问。0 表示不学习，仅由访问密钥决定。',
  key_affinity:
    '为提示缓存服务：同一会话的请求落在同一密钥上（依据 key_affinity_header、prompt_cache_key 或 metadata.user_id，按访问密钥区分）；prompt 还依据提示的开头。繁忙、受限或额度用尽的密钥会被跳过。',
  key_affinity_header: '标识会话的请求头，优先于请求体中的信息。留空表示无。',
  key_affinity_prefix_bytes: '提示开头多少字节相同即视为同类请求。',
  key_affinity_max_requests: '本边缘节点上某密钥的在途请求超过此数后，属于它的会话改为轮换。',
  max_keys_per_request: '一个请求最多尝试的不同密钥数。',
  key_wait_ms: '所有密钥暂时不可用时，请求等待首个恢复密钥的最长时间；0 表示立即返回 429 和 Retry-After。',
  max_key_waiting_requests: '每个工作线程中该分组可等待密钥的请求数，超出立即返回 429。',
  replay_buffer_bytes: '不超过此大小的请求体可以重发；更大的直接流过，不重试。',
  max_body_bytes: '规则可改写的最大请求体；更大则返回 413。未改写的请求体不受此限。',
  rate_limit_cooldown_ms: '上游未给出时间时，被限流的密钥冷却多久。',
  quota_cooldown_ms: '上游未给出重置时间时，额度用尽的密钥停用多久。',
  max_cooldown_ms: '上游给出的期限最多取到此值。',
  error_rules:
    '错误对密钥意味着什么，每行一条规则：[observe] STATUS [CODE] -> ignore | count | cool | exhaust | invalidate [FOR] [retry | no-retry]。首条匹配的规则优先于对提供商的内置认识。',
  upstream_failure_threshold:
    '连续失败（无法连接、超时、自身错误）达到此次数的上游，在有其他上游时会被避开；0 表示从不。',
  upstream_error_rate_percent: '10 秒内至少 20 个响应中失败比例达到此值的上游同样被避开；0 表示从不。',
  upstream_open_ms: '避开多久后由一个请求试探；每次试探失败加倍，最长 5 分钟。',
  upstream_storm_keys:
    '如果上游在一秒内限流了这么多个不同的密钥（小密钥池为一半，至少 4 个），且占其应答的大部分，则视为上游自身限流：避开该上游，密钥保持可用。仅在分组还有其他健康上游时生效；0 = 从不。',
  upstream_check_path:
    '无论有无请求，都会以 GET、不带凭据地请求每个上游主机根下的此路径。5 秒内无应答或状态码不低于 500 计为一次失败；其他应答会让下一个请求立即试探被避开的上游。留空表示不检查。',
  upstream_check_interval_ms: '每个边缘节点多久检查一次。',
  join_v1: '只拼接一次 /v1：基础地址以 /v1 结尾而路径又以其开头时去重，已知路径缺少时补上。',
  forward_client_headers: '将客户端的 Cookie、Forwarded 和 X-Forwarded-* 传给上游。',
  auth_key_opens_proxy:
    '如 GPT-Load 一样，允许环境变量 AUTH_KEY 作为所有分组的访问密钥。持有它的每个调用方都是管理员。',
}

export const unitTexts: UnitTexts = {
  '%': '%',
  attempts: '次',
  bytes: '字节',
  connections: '个连接',
  days: '天',
  failures: '次失败',
  h: '小时',
  keys: '个密钥',
  minutes: '分钟',
  ms: '毫秒',
  probes: '次探测',
  'probes/min': '次探测/分钟',
  requests: '个请求',
  'requests/min': '请求/分钟',
  s: '秒',
  'tokens/min': 'Token/分钟',
}
