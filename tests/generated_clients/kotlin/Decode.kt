// Decodes each example with the generated code and encodes it again: Decode.kt EXAMPLES

import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import com.google.gson.JsonPrimitive
import java.io.File
import java.time.OffsetDateTime
import org.openapitools.client.infrastructure.Serializer

const val MODELS = "org.openapitools.client.models"

/** Without nulls, which are left out in Kotlin, and with times in one form. */
fun plain(element: JsonElement): JsonElement =
    when {
        element is JsonObject ->
            JsonObject().apply {
                element.entrySet().filterNot { it.value.isJsonNull }.forEach { add(it.key, plain(it.value)) }
            }
        element is JsonArray -> JsonArray().apply { element.forEach { add(plain(it)) } }
        element is JsonPrimitive && element.isString -> JsonPrimitive(plain(element.asString))
        else -> element
    }

fun plain(text: String): String = runCatching { OffsetDateTime.parse(text).toInstant().toString() }.getOrDefault(text)

fun decode(component: String, value: JsonElement): Any {
    val kind = Class.forName("$MODELS.$component")
    val decoded: Any = Serializer.gson.fromJson(value, kind)
    val encoded = Serializer.gson.toJsonTree(decoded, kind)
    check(plain(encoded) == plain(value)) { "$component: ${plain(value)} became ${plain(encoded)}" }
    return decoded
}

fun main(arguments: Array<String>) {
    val examples = JsonParser.parseString(File(arguments[0]).readText()).asJsonArray.map { it.asJsonObject }
    for (example in examples) {
        val component = example["component"].asString
        val decoded = decode(component, example["value"])
        if (example["union"].isJsonNull) continue
        val union = decode(example["union"].asString, example["value"])
        val chosen = union.javaClass.getMethod("getActualInstance").invoke(union)
        check(chosen == decoded) { "$component was taken for ${chosen.javaClass.simpleName}" }
    }
    println("decoded ${examples.size} examples")
}
