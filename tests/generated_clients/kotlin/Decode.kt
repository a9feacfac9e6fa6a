// Decodes each example with the generated code and encodes it again: Decode.kt EXAMPLES

import java.io.File
import java.time.OffsetDateTime
import kotlin.reflect.KClass
import kotlinx.serialization.KSerializer
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.serializer
import org.openapitools.client.infrastructure.Serializer

const val MODELS = "org.openapitools.client.models"

/** What the generated code leaves to the app: maps of any values, as `metadata` is one. */
object AnyJson : KSerializer<Any> {
    override val descriptor = JsonElement.serializer().descriptor

    override fun deserialize(decoder: Decoder): Any = decoder.decodeSerializableValue(JsonElement.serializer())

    override fun serialize(encoder: Encoder, value: Any) =
        encoder.encodeSerializableValue(JsonElement.serializer(), value as JsonElement)
}

/** Without nulls, which optional fields may become, and with times in one form. */
fun plain(element: JsonElement): JsonElement =
    when (element) {
        is JsonObject -> JsonObject(element.filterValues { it != JsonNull }.mapValues { plain(it.value) })
        is JsonArray -> JsonArray(element.map(::plain))
        is JsonPrimitive -> if (element.isString) JsonPrimitive(plain(element.content)) else element
    }

fun plain(text: String): String = runCatching { OffsetDateTime.parse(text).toInstant().toString() }.getOrDefault(text)

fun decode(component: String, value: JsonElement): Any {
    val serializer = serializer(Class.forName("$MODELS.$component") as java.lang.reflect.Type)
    val decoded = Serializer.kotlinxSerializationJson.decodeFromJsonElement(serializer, value)
    val encoded = Serializer.kotlinxSerializationJson.encodeToJsonElement(serializer, decoded)
    check(plain(encoded) == plain(value)) { "$component: ${plain(value)} became ${plain(encoded)}" }
    return decoded
}

@Suppress("UNCHECKED_CAST")
fun main(arguments: Array<String>) {
    Serializer.kotlinxSerializationAdaptersConfiguration = {
        contextual(Map::class as KClass<Any>) { AnyJson }
    }
    val examples = Json.parseToJsonElement(File(arguments[0]).readText()).jsonArray.map { it.jsonObject }
    for (example in examples) {
        val component = example.getValue("component").jsonPrimitive.content
        val decoded = decode(component, example.getValue("value"))
        val union = example.getValue("union").jsonPrimitive.contentOrNull
        // FrameError has no value of the discriminator, and is no case of its union.
        if (union == null || component == "FrameError") continue
        val case = decode(union, example.getValue("value"))
        val chosen = case.javaClass.getMethod("unbox-impl").invoke(case)
        check(chosen == decoded) { "$component was taken for ${case.javaClass.simpleName}" }
    }
    println("decoded ${examples.size} examples")
}
