import type { GptLoadCode } from '@gpt-load/contracts/gpt-load-api/envelope'
import type { GptLoadSettingCategory } from '@gpt-load/contracts/gpt-load-api/setting'
import type { Language } from './language.ts'

/** Texts of answers. What is wrong with which field follows in English, as our own API says it. */
export type MessageId =
  | 'SUCCESS'
  | 'SIGNED_IN'
  | 'KEYS_RESTORED'
  | 'KEYS_RESTORED_COUNT'
  | 'KEYS_DELETED_COUNT'
  | 'GOES_ON'
  | 'KEY_NOT_IN_GROUP'
  | 'INVALID_KEYS'
  | 'CHART_SUCCESS'
  | 'CHART_FAILURE'
  | 'WEAK_SHORT'
  | 'WEAK_WELL_KNOWN'
  | 'WEAK_REPETITIVE'
  | 'WEAK_ADVICE'
  | GptLoadCode
export type Messages = Readonly<Record<MessageId, string>>

export const messages: Readonly<Record<Language, Messages>> = {
  'en-US': {
    SUCCESS: 'Success',
    SIGNED_IN: 'Signed in',
    KEYS_RESTORED: 'Keys restored',
    KEYS_RESTORED_COUNT: '{count} keys restored',
    KEYS_DELETED_COUNT: '{count} keys deleted',
    GOES_ON: 'task {task} goes on with the rest',
    KEY_NOT_IN_GROUP: 'The group has no such key',
    INVALID_KEYS: 'Invalid keys',
    CHART_SUCCESS: 'Successful requests',
    CHART_FAILURE: 'Failed requests',
    WEAK_SHORT: 'is short',
    WEAK_WELL_KNOWN: 'holds a part that is guessed first',
    WEAK_REPETITIVE: 'repeats few characters',
    WEAK_ADVICE: 'Make a new one: openssl rand -hex 32',
    BAD_REQUEST: 'The request cannot be carried out',
    INVALID_JSON: 'The body cannot be read',
    VALIDATION_FAILED: 'The input is wrong',
    UNAUTHORIZED: 'No valid admin key',
    FORBIDDEN: 'This is not allowed',
    NOT_FOUND: 'Not found',
    DUPLICATE_RESOURCE: 'It exists already',
    PRECONDITION_FAILED: 'It has changed since you read it',
    TOO_MANY_REQUESTS: 'Too many requests',
    INTERNAL_SERVER_ERROR: 'The server failed',
    DATABASE_ERROR: 'The database is away',
  },
  'zh-CN': {
    SUCCESS: '操作成功',
    SIGNED_IN: '登录成功',
    KEYS_RESTORED: '密钥已恢复',
    KEYS_RESTORED_COUNT: '已恢复 {count} 个密钥',
    KEYS_DELETED_COUNT: '已删除 {count} 个密钥',
    GOES_ON: '其余由任务 {task} 继续处理',
    KEY_NOT_IN_GROUP: '该分组中没有此密钥',
    INVALID_KEYS: '无效密钥',
    CHART_SUCCESS: '成功请求',
    CHART_FAILURE: '失败请求',
    WEAK_SHORT: '过短',
    WEAK_WELL_KNOWN: '包含常见的弱密码片段',
    WEAK_REPETITIVE: '重复使用少数字符',
    WEAK_ADVICE: '请重新生成：openssl rand -hex 32',
    BAD_REQUEST: '无法执行该请求',
    INVALID_JSON: '无法读取请求内容',
    VALIDATION_FAILED: '输入有误',
    UNAUTHORIZED: '管理密钥无效',
    FORBIDDEN: '没有权限',
    NOT_FOUND: '未找到',
    DUPLICATE_RESOURCE: '已存在',
    PRECONDITION_FAILED: '读取之后内容已被修改',
    TOO_MANY_REQUESTS: '请求过多',
    INTERNAL_SERVER_ERROR: '服务器内部错误',
    DATABASE_ERROR: '数据库不可用',
  },
  'ja-JP': {
    SUCCESS: '成功しました',
    SIGNED_IN: 'ログインしました',
    KEYS_RESTORED: 'キーを復元しました',
    KEYS_RESTORED_COUNT: '{count} 個のキーを復元しました',
    KEYS_DELETED_COUNT: '{count} 個のキーを削除しました',
    GOES_ON: '残りはタスク {task} が続けます',
    KEY_NOT_IN_GROUP: 'このグループに該当するキーはありません',
    INVALID_KEYS: '無効なキー',
    CHART_SUCCESS: '成功したリクエスト',
    CHART_FAILURE: '失敗したリクエスト',
    WEAK_SHORT: 'は短すぎます',
    WEAK_WELL_KNOWN: 'は推測されやすい文字列を含んでいます',
    WEAK_REPETITIVE: 'は同じ文字の繰り返しです',
    WEAK_ADVICE: '作り直してください: openssl rand -hex 32',
    BAD_REQUEST: 'リクエストを実行できません',
    INVALID_JSON: 'リクエストの内容を読み取れません',
    VALIDATION_FAILED: '入力に誤りがあります',
    UNAUTHORIZED: '管理キーが無効です',
    FORBIDDEN: '許可されていません',
    NOT_FOUND: '見つかりません',
    DUPLICATE_RESOURCE: 'すでに存在します',
    PRECONDITION_FAILED: '読み取り後に変更されています',
    TOO_MANY_REQUESTS: 'リクエストが多すぎます',
    INTERNAL_SERVER_ERROR: 'サーバーエラー',
    DATABASE_ERROR: 'データベースに接続できません',
  },
}

export const categoryNames: Readonly<Record<Language, Readonly<Record<GptLoadSettingCategory, string>>>> = {
  'en-US': { basic: 'Basic', request: 'Requests', key: 'Keys' },
  'zh-CN': { basic: '基础设置', request: '请求设置', key: '密钥设置' },
  'ja-JP': { basic: '基本設定', request: 'リクエスト設定', key: 'キー設定' },
}
