"""The Russian texts of the pages, by the English ones; nouns by their three forms."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "Posts": "Посты",
    "Tags": "Теги",
    "Channels": "Каналы",
    "Failures": "Ошибки",
    "Runs": "Запуски",
    "Jobs": "Задания",
    "Statistics": "Статистика",
    "Search": "Поиск",
    "To the content": "К содержанию",
    "Main": "Главное меню",
    "Keys": "Клавиши",
    # the way in
    "Enter": "Войти",
    "Token": "Токен",
    "Go on": "Дальше",
    "This server wants its token.": "Этот сервер просит токен.",
    "That was not the token, or the link was used before.": (
        "Это не тот токен, или ссылка уже использована."
    ),
    "The token stands in the file that --token-file names. "
    "A link that lets you in once is printed when tgtagger serve starts.": (
        "Токен лежит в файле, который назван в --token-file. "
        "Одноразовую ссылку печатает tgtagger serve при запуске."
    ),
    # every page
    "Search posts": "Искать посты",
    "Narrow": "Уточнить",
    "Nothing found.": "Ничего не найдено.",
    "Not done": "Не сделано",
    "Not found": "Не найдено",
    "Nothing is chosen or written: {field}.": "Не выбрано и не написано: {field}.",
    "This is too long: {field}.": "Слишком длинно: {field}.",
    "This cannot be so: {field}.": "Так нельзя: {field}.",
    "the tag that remains": "тег, который останется",
    "the tag": "тег",
    "the new name": "новое имя",
    "the channel": "канал",
    "posts at most": "сколько постов",
    "the query": "запрос",
    "the token": "токен",
    "the page": "страница",
    "Telegram cannot be reached, or has trouble": "Telegram недоступен или сбоит",
    "Telegram asks to wait": "Telegram просит подождать",
    "the web preview asks to wait": "веб-превью просит подождать",
    "the web preview has trouble": "веб-превью сбоит",
    "Cancel": "Отмена",
    "This changes {posts}.": "Это изменит {posts}.",
    "Undo": "Отменить",
    "The request cannot be read.": "Запрос не прочитать.",
    "The server does not answer.": "Сервер не отвечает.",
    "Undo run {number}?": "Отменить запуск {number}?",
    "Undone.": "Отменено.",
    "Undone: {posts}.": "Отменено: {posts}.",
    "Tagged anew since, so left as they are: {posts}.": (
        "С тех пор получили теги заново и остались как есть: {posts}."
    ),
    # tags
    "All tags": "Все теги",
    "Suggestions": "Предложения",
    "Blocked": "Запрещённые",
    "History": "История",
    "Pages about tags": "Страницы о тегах",
    "Find a tag": "Найти тег",
    "of {all}": "из {all}",
    "Order": "Порядок",
    "most used": "частые",
    "by name": "по имени",
    "newest": "новые",
    "View": "Вид",
    "cloud": "облако",
    "table": "таблица",
    "No tag has this in its name.": "Тегов с таким именем нет.",
    "No tags yet. Posts get theirs when they are tagged.": (
        "Тегов пока нет. Они появятся, когда посты будут размечены."
    ),
    "Pick": "Выбрать",
    "Tag": "Тег",
    "Since": "С каких пор",
    "Also known as": "Другие имена",
    "you": "вы",
    "The picked tags": "Выбранные теги",
    "Merge the picked ones into": "Слить выбранные с тегом",
    "Merge": "Слить",
    "Remove the picked ones": "Убрать выбранные",
    "Pages": "Страницы",
    "Back": "Назад",
    "More": "Дальше",
    "also known as": "он же",
    "blocked: no machine gives it": "запрещён: программа его не даёт",
    "Show the posts": "Показать посты",
    "Posts with this tag": "Посты с этим тегом",
    "On the same posts": "На тех же постах",
    "Change it": "Изменить",
    "Rename": "Переименовать",
    "The old name goes on to stand for it.": "Старое имя остаётся его вторым именем.",
    "Merge into another tag": "Слить с другим тегом",
    "This name becomes another name of that tag: it does not come back.": (
        "Это имя станет вторым именем того тега и само больше не появится."
    ),
    "Other names": "Другие имена",
    "Take the name {name} away": "Убрать имя {name}",
    "Add": "Добавить",
    "A machine that gives such a name gives this tag.": (
        "Если программа даст такое имя, пост получит этот тег."
    ),
    "Remove and block": "Убрать и запретить",
    "It goes from all posts, and no machine gives it again. You still can.": (
        "Он исчезнет со всех постов, и программа его больше не даст. Вы — сможете."
    ),
    "Remove": "Убрать",
    "Rename “{old}” to “{new}”?": "Переименовать «{old}» в «{new}»?",
    "Renamed: “{tag}”.": "Переименован: «{tag}».",
    "Merge {names} into “{into}”?": "Слить {names} с тегом «{into}»?",
    "Merged into “{tag}”.": "Слито с тегом «{tag}».",
    "Remove {names} from all posts, and block?": "Убрать {names} со всех постов и запретить?",
    "Removed and blocked: {names}.": "Убрано и запрещено: {names}.",
    "“{tag}” is no longer called {names}.": "Тег «{tag}» больше не зовётся {names}.",
    "“{tag}” is now also called {names}.": "Тег «{tag}» теперь зовётся и {names}.",
    "Blocked tags": "Запрещённые теги",
    "You removed these: no machine gives them again, by any of their names. Who gives one to a "
    "post by hand takes it off this list; so does undoing its removal.": (
        "Их убрали вы: программа не даёт их ни под одним из имён. Если дать такой тег посту "
        "вручную или отменить удаление, он уйдёт из списка."
    ),
    "the removal of {tag}": "удаление тега {tag}",
    "No tag is blocked.": "Запрещённых тегов нет.",
    "History of the tags": "История тегов",
    "What you and the runs changed, the latest first. Undoing a run puts its posts back in the "
    "queue.": (
        "Что меняли вы и запуски, начиная с последнего. Отмена запуска возвращает его посты в "
        "очередь."
    ),
    "Number": "Номер",
    "When": "Когда",
    "Change": "Изменение",
    "undone": "отменено",
    "change {number}": "изменение {number}",
    "Show more": "Показать больше",
    "Nothing was changed yet.": "Изменений пока нет.",
    "run {number} tagged posts with {tagger}": "запуск {number} разметил посты: {tagger}",
    "“{old}” renamed to “{new}”": "«{old}» переименован в «{new}»",
    "{names} merged into “{into}”": "слито с тегом «{into}»: {names}",
    "“{tag}” also called {names}": "«{tag}» зовётся и {names}",
    "“{tag}” no longer called {names}": "«{tag}» больше не зовётся {names}",
    "{names} removed and blocked": "убрано и запрещено: {names}",
    "{names} given to posts": "дано постам: {names}",
    "{names} taken off posts": "снято с постов: {names}",
    "tags of an agent: {names}": "теги агента: {names}",
    "These tags are probably one. Merged names go on to stand for the tag that remains; the "
    "doubtful ones come last.": (
        "Эти теги, вероятно, об одном. Слитые имена станут другими именами оставшегося тега; "
        "сомнительные — в конце."
    ),
    "Merge the forms of one word ({count})": "Слить формы одного слова ({count})",
    "into": "в",
    "forms of one word": "формы одного слова",
    "spelled alike": "похожи на письме",
    "one is short for the other": "одно — сокращение другого",
    "a surname and its full name": "фамилия и полное имя",
    "other names of one thing": "другие названия того же",
    "doubtful": "сомнительно",
    "Other way round": "Наоборот",
    "Never": "Никогда",
    "Nothing to suggest.": "Предложить нечего.",
    "This will not be suggested again.": "Больше не будет предлагаться.",
    "Merge all that are forms of one word?": "Слить все формы одного слова?",
    "Merged: {tags}. The history has each, to undo.": (
        "Слито: {tags}. В истории каждое можно отменить."
    ),
    # channels
    "Add a channel": "Добавить канал",
    "Add and read": "Добавить и прочитать",
    "Add only": "Только добавить",
    "Channel": "Канал",
    "Waiting": "Ждут тегов",
    "Failed": "С ошибкой",
    "Newest post": "Новейший пост",
    "Read last": "Прочитан",
    "Not read yet": "Не прочитано",
    "What to do": "Что сделать",
    "not followed": "не читается",
    "paused": "на паузе",
    "being read": "читается",
    "will be read": "будет прочитан",
    "never": "ни разу",
    "all read": "прочитано всё",
    "Read now": "Прочитать",
    "Pause": "Пауза",
    "Resume": "Возобновить",
    "Forget": "Забыть",
    "No channels yet. Add one: its posts are read, then tagged.": (
        "Каналов пока нет. Добавьте: его посты будут прочитаны, потом размечены."
    ),
    "Added, not read yet": "Добавлены, ещё не прочитаны",
    "“Not read yet” counts messages of a channel's history that no run has read; the next runs "
    "do, the newest first.": (
        "«Не прочитано» — это сообщения истории канала, до которых запуски ещё не дошли; "
        "следующие дойдут, начиная с новых."
    ),
    "Added; it will be read.": "Добавлен и будет прочитан.",
    "Added: {names}.": "Добавлено: {names}.",
    "It was there already.": "Он уже есть.",
    "It will be read: {source}.": "Будет прочитан: {source}.",
    "Paused: {title}.": "На паузе: {title}.",
    "It is read again: {title}.": "Снова читается: {title}.",
    "No longer to be read: {source}.": "Больше не читается: {source}.",
    "Job {number}": "Задание {number}",
    # failures
    "The server asked to wait": "Сервер просит подождать",
    "The server took too long": "Сервер отвечал слишком долго",
    "The server could not be reached": "Сервер недоступен",
    "The server had a fault": "Сбой на сервере",
    "The answer could not be read": "Ответ не удалось разобрать",
    "The provider refused the text": "Провайдер отклонил текст",
    "The text is too long for the model": "Текст слишком длинный для модели",
    "The run died, again and again": "Запуск раз за разом обрывался",
    "Nothing: they are tried again when they are due.": (
        "Ничего: когда придёт срок, их попробуют снова."
    ),
    "They are tried again when due. A slow model wants a longer timeout or smaller batches; see "
    "the settings.": (
        "Их попробуют снова в срок. Медленной модели нужно больше времени или меньше постов за "
        "раз: см. настройки."
    ),
    "They are tried again when due. Look at the connection and the server's address.": (
        "Их попробуют снова в срок. Проверьте связь и адрес сервера."
    ),
    "They are tried again when due. If it stays so, name another model.": (
        "Их попробуют снова в срок. Если не проходит, назовите другую модель."
    ),
    "They are tried again when due. Another model may answer better.": (
        "Их попробуют снова в срок. Другая модель может ответить лучше."
    ),
    "Name another model or provider in the settings, then try again.": (
        "Укажите в настройках другую модель или провайдера и попробуйте снова."
    ),
    "Look for what killed the runs, such as too little memory, then try again.": (
        "Выясните, что обрывало запуски (нехватка памяти?), и повторите."
    ),
    "Name a model with more context in the settings, then try again.": (
        "Укажите в настройках модель с большим контекстом и попробуйте снова."
    ),
    "They had all their tries, so they wait for you. Try again when the cause is gone.": (
        "Попытки исчерпаны, теперь дело за вами. Устраните причину и попробуйте снова."
    ),
    "could not be tagged. Each class says what to do; nothing is lost.": (
        "не удалось разметить. У каждой причины сказано, что делать; ничего не потеряно."
    ),
    "No post is failed.": "Ошибок нет.",
    "Try all again": "Повторить все",
    "Try these again": "Повторить эти",
    "Try again": "Повторить",
    "Last error": "Последняя ошибка",
    "Tried again": "Снова",
    "at the earliest, by the next run": "— не раньше, в ближайшем запуске",
    "not by itself": "само не повторится",
    "a post without words": "пост без слов",
    "The newest {count} are shown.": "Показаны последние {count}.",
    "Hide the posts": "Скрыть посты",
    "They will be tried again.": "Будут повторены.",
    # runs
    "read channels": "чтение каналов",
    "tagged posts": "разметка постов",
    "tried failed posts again": "повтор постов с ошибкой",
    "read and tagged": "чтение и разметка",
    "{count} new": "новых: {count}",
    "{count} updated": "обновлено: {count}",
    "{count} deleted": "удалено: {count}",
    "{count} could not be stored": "не удалось сохранить: {count}",
    "{count} tagged": "размечено: {count}",
    "{count} without anything to tag": "нечего размечать: {count}",
    "{count} failed": "с ошибкой: {count}",
    "at work, or killed": "идёт или был прерван",
    "all done": "всё сделано",
    "a bug": "ошибка в программе",
    "wrong settings or input": "неверные настройки или данные",
    "a person must act": "нужны ваши действия",
    "a channel is not to be had": "канал недоступен",
    "some posts failed": "часть постов с ошибкой",
    "the database failed": "сбой базы данных",
    "to try later": "повторить позже",
    "stopped by a person": "остановлен человеком",
    "stopped by the system": "остановлен системой",
    "What the models cost by day, USD": "Стоимость моделей по дням, USD",
    "Tokens by day": "Токены по дням",
    "Posts that models were asked about by day": "Посты в запросах к моделям по дням",
    "Which": "Какие",
    "that did something": "с результатом",
    "all": "все",
    "Began": "Начало",
    "Run": "Запуск",
    "Did": "Сделано",
    "Ended": "Итог",
    "Took": "Длился",
    "Cost": "Стоимость",
    "nothing new": "ничего нового",
    "The latest": "К последним",
    "No run yet. Add a channel, and read it.": "Запусков пока нет. Начните с каналов.",
    "Models in the last {days}": "Модели за последние {days}",
    "Model": "Модель",
    "Tokens": "Токены",
    # jobs
    "Read channels": "Прочитать каналы",
    "Tag posts": "Разметить посты",
    "Try failed posts again": "Повторить посты с ошибкой",
    "Read channels, tag posts, try again what is due": (
        "Прочитать каналы, разметить посты, повторить по сроку"
    ),
    "queued": "в очереди",
    "running": "идёт",
    "done": "сделано",
    "cancelled": "отменено вами",
    "ends soon": "завершается",
    "tagging": "разметка",
    "reading a channel": "чтение канала",
    "reading an export": "чтение экспорта",
    "Asked for.": "Поставлено в очередь.",
    "It stops soon; what was done stays.": "Скоро остановится; сделанное остаётся.",
    "Cancelled.": "Отменено.",
    "at most {posts}": "не больше: {posts}",
    "at once": "сразу",
    "Start a job": "Начать задание",
    "Bring all up to date": "Обновить всё",
    "Try again what is due": "Повторить по сроку",
    "It had ended already.": "Оно уже завершилось.",
    "Posts at most": "Постов не больше",
    "Ended jobs": "Завершённые",
    "No worker is there to do them. They wait; start one in a terminal:": (
        "Выполнять их некому, они ждут. Запустите в терминале:"
    ),
    "job {number}": "задание {number}",
    "asked for": "поставлено",
    "waits: {reason}": "ждёт: {reason}",
    "until": "до",
    "Nothing is queued or running.": "Ничего не идёт и не ждёт.",
    "Refresh": "Обновить",
    "Job": "Задание",
    "State": "Состояние",
    # statistics
    "in the archive": "в архиве",
    "on the posts": "на постах",
    "with posts": "с постами",
    "of the posts are tagged": "постов размечено",
    "waiting: {count}": "ждут: {count}",
    "failed: {count}": "с ошибкой: {count}",
    "Nothing to count yet.": "Считать пока нечего.",
    "Posts by day": "Посты по дням",
    "Posts by month": "Посты по месяцам",
    "Posts by year": "Посты по годам",
    "Rising tags": "Растущие теги",
    "last {days}": "последние {days}",
    "before": "до того",
    "The most used tags over time": "Самые частые теги во времени",
    "{name} from {first} to {last}: at most {highest}": (
        "{name} с {first} по {last}: не больше {highest}"
    ),
    "Share": "Доля",
    # plots
    "As a table": "Таблицей",
    "{first} to {last}: {total} in all, the most in {most}: {highest}.": (
        "С {first} по {last}: всего {total}, больше всего — {most}: {highest}."
    ),
    # posts, and a post
    "Not understood": "Не понято",
    "About the tags": "О тегах",
    "Add a tag": "Добавить тег",
    "Add {tags}?": "Добавить {tags}?",
    "Attempts": "Попытки",
    "Choose all": "Выбрать все",
    "Choose": "Выбрать",
    "Close": "Закрыть",
    "Counted in the newest {posts}.": "Подсчитано в новейших: {posts}.",
    "Did you mean": "Может быть,",
    "Give back": "Вернуть",
    "How to search": "Как искать",
    "It has these tags already.": "Эти теги у него уже есть.",
    "Months": "Месяцы",
    "more than {posts}": "больше чем {posts}",
    "Found": "Найдено",
    "Newer": "Новее",
    "Older": "Старее",
    "Not tagged: {failure}": "Без тегов: {failure}",
    "Picture {number}": "Картинка {number}",
    "Posts beside": "Соседние посты",
    "Replies": "Ответы",
    "Reply to message {number}, which is not stored": (
        "Ответ на сообщение {number}, которого нет в архиве"
    ),
    "Reply to": "Ответ на",
    "Something changed · show": "Что-то изменилось · показать",
    "Status": "Статус",
    "{posts} new · show": "Новое: {posts} · показать",
    "Tagged {posts}: {tags}.": "Поставлено на {posts}: {tags}.",
    "Tags of several posts": "Теги нескольких постов",
    "Take off {tag}": "Снять {tag}",
    "Take off": "Снять",
    "Take {tags} off?": "Снять {tags}?",
    "Taken off by you": "Снято вами",
    "Taken off {posts}: {tags}.": "Снято: {tags} ({posts}).",
    "The archive is empty. Add a channel, or parse an export:": (
        "Архив пуст. Добавьте канал или прочитайте экспорт:"
    ),
    "Where the tags came from": "Откуда теги",
    "Without {filter}": "Без {filter}",
    "Your changes": "Ваши изменения",
    "album of {messages}": "альбом: {messages}",
    "all that is found": "всё найденное",
    "also called {name}": "также {name}",
    "another form of it exists": "есть другая форма этого слова",
    "answered": "ответ получен",
    "by time: a day, a month, a year, or how long ago": (
        "по времени: день, месяц, год или сколько назад"
    ),
    "by {name}": "автор: {name}",
    "chosen": "выбрано",
    "deleted": "удалён",
    "edited {when}": "изменён {when}",
    "forward, reply, edited, deleted, failed": (
        "репост (forward), ответ (reply), изменён (edited), удалён (deleted), с ошибкой (failed)"
    ),
    "forwarded from {name}": "репост: {name}",
    "gone since {when}": "удалён {when}",
    "in any of its forms, Russian or English; all words are wanted": (
        "в любой форме, русское или английское; нужны все слова"
    ),
    "new tag": "новый тег",
    "next try {when}": "следующая попытка {when}",
    "no date": "без даты",
    "not read whole: {problem}": "прочитан не целиком: {problem}",
    "one of them, or both; parentheses join: (a OR b) c": (
        "одно из двух или оба; скобки соединяют: (a OR b) c"
    ),
    "only its first {letters} letters were sent": "отправлено только начало, букв: {letters}",
    "pending, tagged, skipped or failed": (
        "ждёт (pending), с тегами (tagged), пропущен (skipped), ошибка (failed)"
    ),
    "photo, video, audio, voice, file, poll, link": (
        "фото (photo), видео (video), аудио (audio), голос (voice), файл (file), "
        "опрос (poll), ссылка (link)"
    ),
    "read from {source}": "источник: {source}",
    "run {number}": "запуск {number}",
    "s": "с",
    "somebody": "кто-то",
    "tag": "тег",
    "tag, another tag": "тег, ещё тег",
    "They have these tags already.": "Эти теги у них уже есть.",
    "They had none of these tags.": "Этих тегов у них не было.",
    "It will be tagged again.": "Теги будут поставлены заново.",
    "Tag again": "Поставить теги заново",
    "these words in a row": "эти слова подряд",
    "tokens": "токенов",
    "with this tag, of this channel": "с этим тегом, этого канала",
    "without it; before a word, a phrase or a filter": (
        "без этого; перед словом, фразой или фильтром"
    ),
    "words that begin so": "слова, которые так начинаются",
    "“{tag}” exists, too.": "Есть и «{tag}».",
    "the author's hashtag": "хештег автора",
    "Telegram": "Telegram",
    "a model": "модель",
    "an agent": "агент",
    "an export": "экспорт",
    "animation": "анимация",
    "audio": "аудио",
    "contact": "контакт",
    "copied from an equal text": "взято у такого же текста",
    "failed": "ошибка",
    "file": "файл",
    "link": "ссылка",
    "pending": "ждёт",
    "photo": "фото",
    "place": "место",
    "poll": "опрос",
    "round video": "видеосообщение",
    "skipped": "пропущен",
    "something else": "другое",
    "sticker": "стикер",
    "tagged": "с тегами",
    "the embedded tagger": "встроенный теггер",
    "the web preview": "веб-превью",
    "to-do list": "список дел",
    "video": "видео",
    "voice message": "голосовое",
    "search": "поиск",
    "next post": "следующий пост",
    "previous post": "предыдущий пост",
    "open the post": "открыть пост",
    "add a tag": "добавить тег",
    "to the tags, to take one off": "к тегам, чтобы снять один",
    "choose the post": "выбрать пост",
    "tags of the chosen posts": "теги выбранных постов",
    "tag again, or try again": "поставить теги заново",
    "undo what was just done": "отменить сделанное",
    "these keys": "эти клавиши",
    "There is nothing at {path}.": "По адресу {path} ничего нет.",
    "{method} is not taken here.": "{method} здесь не принимается.",
    "This is a bug of tgtagger; its log has the details.": "Сбой tgtagger: смотрите журнал.",
    "posts": "посты",
    "tags": "теги",
    "channels": "каналы",
    "failures": "ошибки",
    "runs": "запуски",
    "jobs": "задания",
    "statistics": "статистика",
}

NOUNS: Mapping[str, tuple[str, str, str]] = {
    "post": ("пост", "поста", "постов"),
    "tag": ("тег", "тега", "тегов"),
    "channel": ("канал", "канала", "каналов"),
    "message": ("сообщение", "сообщения", "сообщений"),
    "try": ("попытка", "попытки", "попыток"),
    "token": ("токен", "токена", "токенов"),
    "day": ("день", "дня", "дней"),
    "suggestion": ("предложение", "предложения", "предложений"),
    "view": ("просмотр", "просмотра", "просмотров"),
    "forward": ("репост", "репоста", "репостов"),
}
